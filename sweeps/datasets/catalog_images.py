"""The image sets of the catalog."""

from sweeps.datasets.dataset import Archive, Dataset

_IDX = ('train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz', 't10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz')
_MARKS = ('train-images-idx3-ubyte*', '*/train-images-idx3-ubyte*', 'train-images.idx3-ubyte*')
_FILES = 'a folder with the four IDX files (train-images, train-labels, t10k-images, t10k-labels), packed or not'
_EMNIST = {
    # Split: examples of pool and test, the first label, the classes in the order of the labels.
    'balanced': (112800, 18800, 0, '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt'),
    'byclass': (697932, 116323, 0, '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'),
    'bymerge': (697932, 116323, 0, '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt'),
    'digits': (240000, 40000, 0, '0123456789'),
    'letters': (124800, 20800, 1, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
    'mnist': (60000, 10000, 0, '0123456789'),
}
_LISTS = ('LOC_val_solution.csv', 'val_labels.txt', 'val.txt', 'meta.mat', 'ILSVRC2012_devkit_t12')
"""Files with the class of each image of ImageNet's validation split, for images that are not in folders of classes."""
_TRAIN, _VAL, _SORTED = (
    tuple(f'{place}{split}' for place in ('ILSVRC/Data/CLS-LOC/', '')) for split in ('train', 'val', 'val/n*')
)
"""Where ImageNet's unpacked images lie; `_SORTED`: the validation images in folders of classes."""
_CIFAR = {
    'unit': 'a colour photo of 32 x 32 pixels',
    'licence': 'none stated; cite the report',
    'citation': 'A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009',
    'origin': 'https://www.cs.toronto.edu/~kriz/cifar.html',
    'test': 'the official 10,000 test images',
    'examples': {'pool': 50000, 'test': 10000},
    'kind': 'images',
    'shape': (32, 32, 3),
}


def _mnist_like(about: str, licence: str, citation: str, origin: str, classes: list[str], md5: tuple, folder: str) -> Dataset:
    return Dataset(
        about=about,
        kind='images',
        unit='a grey image of 28 x 28 pixels',
        licence=licence,
        citation=citation,
        origin=origin,
        test='the official 10,000 test images (t10k)',
        layouts=_FILES,
        reader={'kind': 'idx', 'classes': classes},
        shape=(28, 28, 1),
        marks=_MARKS,
        folders=(folder, folder.replace('_', '-')),
        examples={'pool': 60000, 'test': 10000},
        md5=dict(zip(_IDX, md5, strict=True)),
    )


IMAGES = {
    'mnist': _mnist_like(
        'handwritten digits',
        'CC BY-SA 3.0',
        'Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, 1998',
        'http://yann.lecun.com/exdb/mnist',
        list('0123456789'),
        (
            'f68b3c2dcbeaaa9fbdd348bbdeb94873',
            'd53e105ee54ea40749a09fcbcd1e9432',
            '9fb629c4189551a2d022fa330f9573f3',
            'ec29112dd5afa0611ce80d1b7f02629c',
        ),
        'mnist',
    ),
    'fashion_mnist': _mnist_like(
        'pieces of clothing',
        'MIT',
        'H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747',
        'https://github.com/zalandoresearch/fashion-mnist',
        ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
        (
            '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
            '25c81989df183df01b3e8a0aad5dffbe',
            'bef4ecab320f06d8554ea6380940ec79',
            'bb300cfdad3c16e7a12a480ee83cd310',
        ),
        'fashion_mnist',
    ),
    'kmnist': _mnist_like(
        'cursive Japanese characters',
        'CC BY-SA 4.0',
        'T. Clanuwat et al., Deep Learning for Classical Japanese Literature, arXiv:1812.01718',
        'http://codh.rois.ac.jp/kmnist',
        ['o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo'],
        (
            'bdb82020997e1d708af4cf47b453dcf7',
            'e144d726b3acfaa3e44228e80efcd344',
            '5c965bf0a639b31b8f53240b1b52f4d7',
            '7320c461ea6c1c855c0b718fb2a4b134',
        ),
        'kmnist',
    ),
    **{
        f'emnist_{split}': Dataset(
            about=f'handwritten characters of NIST, the split {split}',
            kind='images',
            unit='a grey image of 28 x 28 pixels',
            licence='none stated; cite the paper',
            citation='G. Cohen, S. Afshar, J. Tapson, A. van Schaik, EMNIST, arXiv:1702.05373',
            origin='https://www.nist.gov/itl/products-and-services/emnist-dataset',
            test=f'the official {test:,} test images',
            layouts=f'gzip.zip as it is, or its folder with emnist-{split}-train-images-idx3-ubyte.gz and the three beside it',
            reader={
                'kind': 'idx',
                'classes': list(classes),
                'prefix': f'emnist-{split}-',
                'test': 'test',
                'first': first,
                'transposed': True,
            },
            shape=(28, 28, 1),
            marks=(f'emnist-{split}-train-images-idx3-ubyte*', f'*/emnist-{split}-train-images-idx3-ubyte*'),
            folders=('emnist',),
            examples={'pool': pool, 'test': test},
            md5={'gzip.zip': '58c8d27c78d21e728a6bc7b3cc06412e'},
            archives=((Archive('gzip.zip'),),),
            needed=f'emnist-{split}-',
        )
        for split, (pool, test, first, classes) in _EMNIST.items()
    },
    'cifar10': Dataset(
        about='colour photos of 10 classes',
        layouts='cifar-10-binary.tar.gz or cifar-10-python.tar.gz, or the folder in it (.bin, also packed with xz or gz)',
        reader={'kind': 'cifar', 'classes': 10},
        marks=('data_batch_1*', '*/data_batch_1*', 'cifar-10-*.tar.gz'),
        folders=('cifar10', 'cifar-10', 'cifar-10-batches-bin', 'cifar-10-batches-py'),
        md5={
            'cifar-10-binary.tar.gz': 'c32a1d4ab5d03f1284b67883e8d87530',
            'cifar-10-python.tar.gz': 'c58f30108f718f92721af3b95e74349a',
            'data_batch_1': 'c99cafc152244af753f735de768cd75f',
            'data_batch_2': 'd4bba439e000b95fd0a9bffe97cbabec',
            'data_batch_3': '54ebc095f3ab1f0389bbae665268c751',
            'data_batch_4': '634d18415352ddfa80567beed471001a',
            'data_batch_5': '482c414d41f54cd18b22e5b47cb7c3cb',
            'test_batch': '40351d587109b95175f43aff81a1287e',
            'data_batch_1.bin': '5dd7e06a14cb22eb9f671a540d1b7c25',
        },
        **_CIFAR,
    ),
    'cifar100': Dataset(
        about='colour photos of 100 classes (fine labels)',
        layouts='cifar-100-binary.tar.gz or cifar-100-python.tar.gz, or the folder in it',
        reader={'kind': 'cifar', 'classes': 100},
        marks=('train.bin*', 'cifar-100-*.tar.gz', 'cifar-100-python/train', 'cifar-100-binary/train.bin*'),
        folders=('cifar100', 'cifar-100', 'cifar-100-python', 'cifar-100-binary'),
        md5={
            'cifar-100-binary.tar.gz': '03b5dce01913d631647c71ecec9e9cb8',
            'cifar-100-python.tar.gz': 'eb9058c3a382ffc7106e4002c42a8d85',
            'train': '16019d7e3df5f24257cddd939b257f8d',
            'test': 'f0ef6b0ae62326f3e7ffdfab6717acfc',
            'train.bin': '6172c7755cfe09b2fe270c85cebc1b15',
        },
        **_CIFAR,
    ),
    'tiny_imagenet': Dataset(
        about='200 classes of ImageNet, made small',
        kind='images',
        unit='a colour photo of 64 x 64 pixels',
        licence='the terms of ImageNet: non-commercial research',
        citation='Y. Le, X. Yang, Tiny ImageNet Visual Recognition Challenge, Stanford CS231N, 2015',
        origin='http://cs231n.stanford.edu/tiny-imagenet-200.zip',
        test='the official 10,000 val images; those of the folder test have no public labels',
        layouts='tiny-imagenet-200.zip as it is, or its folder: train/WNID/images/*.JPEG, val/images with val_annotations.txt, '
        'wnids.txt, words.txt',
        reader={'kind': 'folder', 'layout': 'tiny_imagenet'},
        shape=(64, 64, 3),
        marks=('wnids.txt', 'tiny-imagenet-200/wnids.txt'),
        folders=('tiny_imagenet', 'tiny-imagenet-200', 'tiny-imagenet', 'tiny-imagenet-10'),
        examples={'pool': 100000, 'test': 10000},
        md5={'tiny-imagenet-200.zip': '90528d7ca1a48142e341f4ef8d21d0de'},
        archives=((Archive('tiny-imagenet-200.zip'),),),
        needed='^(?!([^/]+/)?test/)',
    ),
    'imagenet': Dataset(
        about='ImageNet-1k (ILSVRC 2012)',
        kind='images',
        unit='a colour photo, shorter side resized and cut to --size (64) squared',
        licence='the terms of ImageNet: non-commercial research',
        citation='O. Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, arXiv:1409.0575',
        origin='https://www.image-net.org/challenges/LSVRC/2012',
        test='the official 50,000 validation images; those of the folder test have no public labels',
        layouts='ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and ILSVRC2012_devkit_t12.tar.gz as they are, in one folder; '
        'imagenet-object-localization-challenge.zip as it is; or folders: train/WNID/*.JPEG, and val/WNID/*.JPEG or a flat val '
        'with its labels file',
        reader={'kind': 'folder', 'layout': 'imagenet', 'size': 64},
        shape=(64, 64, 3),
        marks=('train/n01440764', 'ILSVRC/Data/CLS-LOC/train'),
        folders=('imagenet', 'ILSVRC2012', 'imagenet-1k'),
        examples={'pool': 1281167, 'test': 50000},
        md5={
            'ILSVRC2012_img_train.tar': '1d675b47d978889d74fa0da5fadfb00e',
            'ILSVRC2012_img_val.tar': '29b22e2961454d5413ddabcf34fc5622',
            'ILSVRC2012_devkit_t12.tar.gz': 'fa75699e90414af021442c21a62c3abf',
        },
        archives=(
            (Archive('imagenet-object-localization-challenge.zip', _TRAIN),),
            (
                Archive('imagenet_object_localization_patched2019.tar.gz', _TRAIN),
                Archive('LOC_val_solution.csv.zip', (*_LISTS, *_SORTED)),
            ),
            (
                Archive('ILSVRC2012_img_train.tar', _TRAIN, into='train'),
                Archive('ILSVRC2012_img_val.tar', _VAL, into='val'),
                Archive('ILSVRC2012_devkit_t12.tar.gz', (*_LISTS, *_SORTED)),
            ),
        ),
        # The test images have no public labels, and boxes are not asked for.
        needed='^(?!(.*/)?(Annotations|CLS-LOC/test)/)',
        beside=('ILSVRC', 'train', 'val', 'LOC_synset_mapping.txt', 'ILSVRC2012_validation_ground_truth.txt', *_LISTS),
    ),
    'image_folder': Dataset(
        about='any folder of images, a folder a class',
        kind='images',
        unit='an image',
        licence='not stated',
        citation='',
        origin='your own files',
        test='the folder test (or val) where there is one, else a tenth by hash of content',
        layouts='train/CLASS/* and test/CLASS/*, or one folder of classes; or a zip or tar of that, or of one CLASS.tar each',
        reader={'kind': 'folder', 'layout': 'any'},
        form=True,
    ),
    'parquet_images': Dataset(
        about='Parquet shards of images, as Hugging Face datasets have them',
        kind='images',
        unit='an image',
        licence='not stated',
        citation='',
        origin='your own files',
        test='the files named test* (or val*) where there are any, else a tenth by hash of content',
        layouts='a folder of *.parquet with the columns image {bytes, path} and label',
        reader={'kind': 'parquet_images'},
        form=True,
    ),
    'webdataset': Dataset(
        about='WebDataset tar shards of images',
        kind='images',
        unit='an image',
        licence='not stated',
        citation='',
        origin='your own files',
        test='the shards named test* (or val*) where there are any, else a tenth by hash of content',
        layouts='a folder of *.tar with KEY.jpg (png, webp) and KEY.cls beside each other',
        reader={'kind': 'webdataset'},
        form=True,
    ),
}
