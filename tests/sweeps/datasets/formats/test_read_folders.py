"""Image folders: every layout that goes around, the real Tiny ImageNet, and sets with something missing."""

import numpy as np
import pytest
from scipy.io import savemat

from sweeps.datasets.formats.folders import read_image_folder, read_imagenet, read_tiny_imagenet, read_words
from sweeps.datasets.formats.image_files import decode_all

CODES = ['n01440764', 'n01443537', 'n02077923']


def fill(root, *places: str):
    """Empty files: no image is opened when a folder is read."""
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).touch()
    return root


def told(folders, root) -> dict[str, list[tuple[str, int]]]:
    return {split: [(str(path.relative_to(root)), label) for path, label in images] for split, images in folders.splits.items()}


def test_any_folder(tmp_path):
    fill(tmp_path, 'train/b/2.jpg', 'train/b/10.PNG', 'train/a/x.jpeg', 'train/a/notes.txt', 'train/a/.hidden.jpg')
    fill(tmp_path, 'test/a/1.jpg', 'test/b/1.webp', 'validation/a/1.jpg', 'validation/b/1.jpg', 'readme.md')
    folders = read_image_folder(tmp_path)
    assert folders.classes == ['a', 'b']
    assert told(folders, tmp_path) == {
        'train': [('train/a/x.jpeg', 0), ('train/b/10.PNG', 1), ('train/b/2.jpg', 1)],
        'val': [('validation/a/1.jpg', 0), ('validation/b/1.jpg', 1)],
        'test': [('test/a/1.jpg', 0), ('test/b/1.webp', 1)],
    }


def test_one_folder_of_classes(tmp_path):
    folders = read_image_folder(fill(tmp_path, 'cats/1.jpg', 'dogs/1.jpg', 'dogs/2.jpg'))
    assert folders.classes == ['cats', 'dogs']
    assert told(folders, tmp_path) == {'train': [('cats/1.jpg', 0), ('dogs/1.jpg', 1), ('dogs/2.jpg', 1)]}


@pytest.mark.parametrize(
    ('places', 'message'),
    [
        (['train/a/1.jpg', 'train/b/1.txt'], "class 'b' has no images"),
        (['train/a/1.jpg', 'train/b/1.jpg', 'test/a/1.jpg'], "test: class 'b' has no images"),
        (['train/a/1.jpg', 'train/b/1.jpg', 'test/a/1.jpg', 'test/b/1.jpg', 'test/c/1.jpg'], "folder 'c' is not one of the 2"),
        (['test/a/1.jpg', 'test/b/1.jpg'], "no 'train'"),
        (['train/a/1.jpg'], '1 folders; allowed: a folder for each of two or more'),
        (['1.jpg', '2.jpg'], '0 folders'),
        (['train/a/1.jpg', 'training/b/1.jpg'], 'training and train are both train'),
    ],
    ids=['empty', 'empty_test', 'unknown', 'no_train', 'one', 'flat', 'twice'],
)
def test_wrong_folders(tmp_path, places, message):
    with pytest.raises(ValueError, match=message):
        read_image_folder(fill(tmp_path, *places))


def test_wrong_calls(tmp_path):
    with pytest.raises(ValueError, match='no such folder'):
        read_image_folder(tmp_path / 'nothing')
    with pytest.raises(ValueError, match='no folder train; there: no such folder'):
        read_imagenet(tmp_path / 'nothing')
    with pytest.raises(ValueError, match=r'wnids\.txt: no such file'):
        read_tiny_imagenet(tmp_path)


def imagenet(root):
    """A small ImageNet with a flat val, its images of the classes 2, 0, 1."""
    fill(root, *[f'train/{code}/{code}_{i}.JPEG' for code in CODES for i in range(2)])
    return fill(root, *[f'val/ILSVRC2012_val_0000000{i}.JPEG' for i in (1, 2, 3)])


VAL = [(f'val/ILSVRC2012_val_0000000{i}.JPEG', label) for i, label in ((1, 2), (2, 0), (3, 1))]
LISTS = {
    'LOC_val_solution.csv': 'ImageId,PredictionString\nILSVRC2012_val_00000002,n01440764 1 2 3 4 n01440764 1 2 3 4\n'
    'ILSVRC2012_val_00000001,n02077923 1 2 3 4 \nILSVRC2012_val_00000003,n01443537 1 2 3 4\n',
    'val_labels.txt': ''.join(f'ILSVRC2012_val_0000000{i}.JPEG {CODES[label]}\n' for i, label in ((1, 2), (2, 0), (3, 1))),
    'val.txt': 'ILSVRC2012_val_00000001.JPEG 2\nILSVRC2012_val_00000002.JPEG 0\nILSVRC2012_val_00000003.JPEG 1\n',
    # Numbers of the development kit: 7 is the last code, 9 the first.
    'ILSVRC2012_validation_ground_truth.txt': '7\n9\n8\n',
}


def write_devkit(folder):
    """As in the official kit: a table of structs with the number and the code of each synset."""
    table = np.zeros((3, 1), [('ILSVRC2012_ID', object), ('WNID', object)])
    for row, (number, code) in enumerate(zip((9, 8, 7), CODES, strict=True)):
        table[row, 0] = (np.array([[number]], np.uint16), code)
    savemat(folder / 'meta.mat', {'synsets': table})


@pytest.mark.parametrize('name', LISTS)
@pytest.mark.parametrize('inner', ['.', 'ILSVRC/Data/CLS-LOC'])
def test_imagenet_with_a_flat_val(tmp_path, name, inner):
    imagenet(tmp_path / inner)
    (tmp_path / name).write_text(LISTS[name])
    write_devkit(tmp_path)
    folders = read_imagenet(tmp_path)
    assert folders.classes == CODES
    here = told(folders, tmp_path / inner)
    assert here['val'] == VAL
    assert len(here['train']) == 6
    assert here['train'][2] == ('train/n01443537/n01443537_0.JPEG', 1)


def test_imagenet_with_class_folders_in_val(tmp_path):
    fill(tmp_path, *[f'{split}/{code}/1.JPEG' for split in ('train', 'val') for code in CODES])
    folders = read_imagenet(tmp_path)
    assert told(folders, tmp_path)['val'] == [(f'val/{code}/1.JPEG', label) for label, code in enumerate(CODES)]


def test_the_list_may_lie_elsewhere(tmp_path):
    path = tmp_path / 'elsewhere.txt'
    path.write_text(LISTS['val.txt'])
    folders = read_imagenet(imagenet(tmp_path / 'set'), labels=path)
    assert told(folders, tmp_path / 'set')['val'] == VAL


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('val.txt', 'ILSVRC2012_val_00000001.JPEG 3\n' * 3, r'line 1: .*allowed: a file and its class, 0 to 2 or a code'),
        ('val.txt', LISTS['val.txt'].rsplit('\n', 2)[0], r'ILSVRC2012_val_00000003\.JPEG: not in .*val\.txt'),
        ('val.txt', LISTS['val.txt'] + 'ILSVRC2012_val_00000004.JPEG 1\n', '4 lines for 3 images'),
        ('val.txt', LISTS['val.txt'].replace(' 2', ' n99999999'), "class 'n99999999' .* is not one of the 3"),
        ('val.txt', LISTS['val.txt'].replace(' 2', ' 1'), "class 'n02077923' has no images"),
        ('LOC_val_solution.csv', 'image,label\n', 'allowed: the header ImageId,PredictionString'),
        (
            'LOC_val_solution.csv',
            'ImageId,PredictionString\nILSVRC2012_val_00000001,\n',
            'allowed: an image, a comma, its class',
        ),
        ('ILSVRC2012_validation_ground_truth.txt', '7\n9\n8\n', r'meta\.mat of the development kit'),
        ('ILSVRC2012_validation_ground_truth.txt', '7\n9\n', 'meta'),
    ],
)
def test_wrong_lists(tmp_path, name, text, message):
    (imagenet(tmp_path) / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_imagenet(tmp_path)


def test_ground_truth_that_does_not_fit(tmp_path):
    write_devkit(imagenet(tmp_path))
    path = tmp_path / 'ILSVRC2012_validation_ground_truth.txt'
    for text, message in (('7\n9\n', '2 lines for 3 images'), ('7\n9\n1\n', 'class 1; allowed: the numbers in meta')):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_imagenet(tmp_path)
    (tmp_path / 'meta.mat').write_bytes(b'no table')
    with pytest.raises(ValueError, match=r'meta\.mat: no table of synsets'):
        read_imagenet(tmp_path)


def test_imagenet_without_a_list_or_val(tmp_path):
    with pytest.raises(ValueError, match=r'images without class folders and no list.*LOC_val_solution\.csv'):
        read_imagenet(imagenet(tmp_path))
    with pytest.raises(ValueError, match='no folder val; there: '):
        read_imagenet(fill(tmp_path / 'other', 'train/n01440764/1.JPEG'))


def tiny(root):
    fill(root, *[f'train/{code}/images/{code}_0.JPEG' for code in CODES], f'train/{CODES[0]}/{CODES[0]}_boxes.txt')
    fill(root, *[f'val/images/val_{i}.JPEG' for i in range(3)])
    (root / 'wnids.txt').write_text('\n'.join(reversed(CODES)))
    (root / 'words.txt').write_text(f'{CODES[0]}\ttench, Tinca tinca\n{CODES[1]}\tgoldfish\n')
    lines = [f'val_{i}.JPEG\t{code}\t0\t32\t44\t62\n' for i, code in enumerate(CODES)]
    (root / 'val' / 'val_annotations.txt').write_text(''.join(lines))
    return root


def test_tiny_imagenet_in_the_order_of_its_classes(tmp_path):
    folders = read_tiny_imagenet(tiny(tmp_path))
    assert folders.classes == CODES[::-1]
    assert told(folders, tmp_path) == {
        'train': [(f'train/{code}/images/{code}_0.JPEG', label) for label, code in enumerate(CODES[::-1])],
        'val': [(f'val/images/val_{i}.JPEG', 2 - i) for i in range(3)],
    }
    assert read_image_folder(tmp_path) == folders
    assert read_words(tmp_path / 'words.txt') == {CODES[0]: 'tench, Tinca tinca', CODES[1]: 'goldfish'}


@pytest.mark.parametrize(
    ('place', 'text', 'message'),
    [
        ('wnids.txt', 'n01440764\nn01440764\n', '2 classes, 1 different'),
        ('wnids.txt', 'n01440764\nn01443537\n', "folder 'n02077923' is not one of the 2 classes"),
        ('wnids.txt', '\n'.join([*CODES, 'n09999999']), "class 'n09999999' has no images in"),
        ('val/val_annotations.txt', 'val_0.JPEG n01440764\n', 'line 1: .*allowed: a file once, a tab, its class'),
        ('val/val_annotations.txt', 'val_0.JPEG\tn01440764\nval_1.JPEG\tn01443537\n', r'val_2\.JPEG: not in'),
    ],
)
def test_wrong_tiny_imagenet(tmp_path, place, text, message):
    (tiny(tmp_path) / place).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_tiny_imagenet(tmp_path)


def test_the_real_tiny_imagenet(shared):
    folders = read_tiny_imagenet(shared('tiny-imagenet-10'))
    assert len(folders.classes) == 10
    for split, count in (('train', 100), ('val', 50)):
        assert np.bincount([label for _, label in folders.splits[split]]).tolist() == [count] * 10
    # Grey images (some of the first hundred) come with three channels.
    image = list(decode_all(folders.splits['train'][::10], None, threads=2))
    assert {x.shape for x, _ in image} == {(64, 64, 3)}


def test_one_class_is_no_imagenet(tmp_path):
    fill(tmp_path, 'train/n01440764/1.JPEG', 'val/n01440764/1.JPEG')
    with pytest.raises(ValueError, match='train: 1 folders; allowed: two or more, named by codes such as n01440764'):
        read_imagenet(tmp_path)
    fill(tmp_path, 'train/n01443537/1.JPEG', 'val/n01443537/1.JPEG')
    assert read_imagenet(tmp_path).classes == ['n01440764', 'n01443537']


@pytest.mark.parametrize(
    ('line', 'said'),
    [
        ('val_0.JPEG\tn02077923', 'line 4: .val_0.JPEG.t.*; allowed: a file once, a tab, its class; mend the line'),
        ('val_9.JPEG', "line 4: 'val_9.JPEG'; allowed: a file once, a tab, its class"),
        ('val_9.JPEG\tn02077923', '4 lines for 3 images in .*; allowed: one each'),
    ],
)
def test_every_image_of_tiny_imagenet_stands_in_its_list_once(tmp_path, line, said):
    path = tiny(tmp_path) / 'val' / 'val_annotations.txt'
    path.write_text(f'{path.read_text()}\n{line}\n')
    with pytest.raises(ValueError, match=said):
        read_tiny_imagenet(tmp_path)


def test_a_list_of_imagenet_has_its_header_on_top(tmp_path):
    fill(tmp_path, *[f'train/{code}/1.JPEG' for code in CODES], *[f'val/v{n}.JPEG' for n in range(3)])
    lines = ''.join(f'v{n},{code} 1 2 3 4\n' for n, code in enumerate(CODES))
    (tmp_path / 'LOC_val_solution.csv').write_text(lines)
    with pytest.raises(ValueError, match=r'starts with \[\[.v0.*; allowed: the header ImageId,PredictionString; get LOC_val_'):
        read_imagenet(tmp_path)
    (tmp_path / 'LOC_val_solution.csv').write_text(f'ImageId,PredictionString\n{lines}')
    assert [label for _, label in read_imagenet(tmp_path).splits['val']] == [0, 1, 2]
