"""Catalog: the sets and the forms of sets that `archlab data prepare` knows."""

from ablations.config import closest
from sweeps.datasets.catalog_images import IMAGES
from sweeps.datasets.dataset import Dataset

_TENTH = 'a tenth of the documents, by hash of content'

SEQUENCES = {
    'tiny_shakespeare': Dataset(
        about="a megabyte of Shakespeare's plays",
        kind='texts',
        unit='the text, cut in two',
        licence='public domain',
        citation='A. Karpathy, char-rnn, 2015',
        origin='https://github.com/karpathy/char-rnn (data/tinyshakespeare/input.txt)',
        test='the last tenth of the characters, as usual',
        layouts='input.txt, or a folder with it',
        reader={'kind': 'one_text', 'file': 'input.txt'},
        marks=('input.txt',),
        folders=('tiny_shakespeare', 'tinyshakespeare', 'tiny-shakespeare'),
    ),
    'tinystories': Dataset(
        about='short stories in the words of small children',
        kind='texts',
        unit='a story',
        licence='CDLA-Sharing-1.0',
        citation='R. Eldan, Y. Li, arXiv:2305.07759',
        origin='https://huggingface.co/datasets/roneneldan/TinyStories',
        test=f'the file *valid* where there is one, else {_TENTH}',
        layouts='text files with <|endoftext|> between stories, or Parquet with a column text',
        reader={'kind': 'documents', 'mark': '<|endoftext|>'},
        marks=('[Tt]iny[Ss]tories*.txt', '*.parquet', 'data/*.parquet'),
        folders=('tinystories', 'TinyStories'),
    ),
    **{
        f'wikitext{size}': Dataset(
            about=f'good articles of Wikipedia, {words} words, raw',
            kind='texts',
            unit='an article',
            licence='CC BY-SA 3.0 and GFDL',
            citation='S. Merity, C. Xiong, J. Bradbury, R. Socher, arXiv:1609.07843',
            origin='https://huggingface.co/datasets/Salesforce/wikitext',
            test='the official test articles; the official validation articles are in the pool',
            layouts='wiki.train.raw, wiki.valid.raw and wiki.test.raw, or the Parquet files train*, validation* and test*',
            reader={'kind': 'wikitext'},
            marks=('wiki.train.raw*', 'train*.parquet'),
            folders=(f'wikitext{size}', f'wikitext-{size}-raw', f'wikitext-{size}-raw-v1'),
        )
        for size, words in ((2, '2 million'), (103, '103 million'))
    },
    'fineweb': Dataset(
        about='filtered pages of the web',
        kind='tokens',
        unit='a page',
        licence='ODC-By 1.0 and the terms of Common Crawl',
        citation='G. Penedo et al., The FineWeb Datasets, arXiv:2406.17557',
        origin='https://huggingface.co/datasets/HuggingFaceFW/fineweb; token shards: karpathy/llm.c on GitHub',
        test='the shards named *val* where there are any, else a hundredth of the pages, by hash of content',
        layouts='token shards (*.bin of llm.c or nanoGPT, GPT-2 tokens) or Parquet with a column text',
        reader={'kind': 'shards', 'share': 0.01},
        marks=('fineweb*.bin', '*.bin', '*.parquet'),
        folders=('fineweb', 'fineweb10B', 'fineweb_edu', 'edu_fineweb10B'),
    ),
    'text': Dataset(
        about='any text: plain, JSON, JSON lines or Parquet',
        kind='texts',
        unit='a document (a file, an entry, or what stands between marks)',
        licence='not stated',
        citation='',
        origin='your own files',
        test=f'files named test* where there are any, else {_TENTH}; of a single document the last tenth',
        layouts='*.txt, *.json, *.jsonl (also .gz) or *.parquet; --field names the column, --mark what ends a document',
        reader={'kind': 'documents'},
        form=True,
    ),
    'spoken_digits': Dataset(
        about='the free spoken digit dataset: six speakers say 0 to 9',
        kind='sounds',
        unit='a recording of one digit at 8 kHz',
        licence='CC BY-SA 4.0',
        citation='Z. Jackson et al., Free Spoken Digit Dataset, 2018',
        origin='https://github.com/Jakobovski/free-spoken-digit-dataset',
        test='the official one: recordings 0 to 4 of each digit and speaker. All speakers stand in both splits, so what is '
        'measured is known voices; splits of the pool are drawn the same way, without regard to the speaker',
        layouts='a folder recordings of DIGIT_SPEAKER_INDEX.wav',
        reader={'kind': 'spoken_digits'},
        rate=8000,
        marks=('recordings/[0-9]_*_*.wav', '[0-9]_*_*.wav'),
        folders=('spoken_digits', 'fsdd', 'free-spoken-digit-dataset'),
        examples={'pool': 2700, 'test': 300},
    ),
    'zinc': Dataset(
        about='drug-like molecules of ZINC 250k as SMILES',
        kind='molecules',
        unit='a molecule',
        licence='ZINC: free to use for everyone; cite',
        citation='J. Irwin et al., ZINC, 2012; split of W. Jin, R. Barzilay, T. Jaakkola, arXiv:1802.04364',
        origin='https://github.com/wengong-jin/icml18-jtnn (data/zinc)',
        test='the official test.txt; train.txt and valid.txt are the pool',
        layouts='a folder with train.txt, valid.txt and test.txt, one SMILES a line',
        reader={'kind': 'lines', 'files': {'pool': ['train.txt', 'valid.txt'], 'test': ['test.txt']}},
        marks=('valid.txt',),
        folders=('zinc', 'zinc-smiles'),
    ),
    'smiles': Dataset(
        about='any molecules as SMILES',
        kind='molecules',
        unit='a molecule',
        licence='not stated',
        citation='',
        origin='your own files',
        test='test.txt where there is one, else a tenth by hash of content',
        layouts='a text file, one SMILES a line, or a folder of them',
        reader={'kind': 'lines'},
        form=True,
    ),
    'fasta': Dataset(
        about='any proteins or nucleic acids as FASTA',
        kind='texts',
        unit='a record',
        licence='not stated',
        citation='',
        origin='your own files',
        test='files named test* where there are any, else a tenth of the records, by hash of content; of a single record the '
        'last tenth',
        layouts='*.fasta, *.fa, *.faa, *.fna or *.ffn (also .gz), or a folder of them',
        reader={'kind': 'fasta'},
        form=True,
    ),
    'eight_models': Dataset(
        about="eight language models' answers to the same 805 instructions",
        kind='texts',
        unit='an answer',
        licence='CC BY-NC 4.0',
        citation='Y. Dubois, B. Galambosi, P. Liang, T. B. Hashimoto, Length-Controlled AlpacaEval, arXiv:2404.04475',
        origin='https://github.com/tatsu-lab/alpaca_eval (results/MODEL/model_outputs.json)',
        test='a tenth of the instructions, by hash',
        layouts='a folder for each of eight models with its model_outputs.json; those that docs/origins.md tells of are '
        'Mistral-7B-Instruct-v0.2, Qwen1.5-72B-Chat, claude-2, claude-3-opus-20240229, gemini-pro, gpt4_1106_preview, '
        'llama-2-70b-chat-hf and vicuna-13b-v1.5',
        reader={'kind': 'model_answers'},
        marks=('*/model_outputs.json*',),
        folders=('eight_models', 'alpaca-eval-outputs'),
    ),
    'synthetic_control': Dataset(
        about='control charts of six kinds, made by a rule; of the UCR archive',
        kind='series',
        unit='a series of 60 values',
        licence='none stated by the UCR archive, which asks to be cited',
        citation='H. A. Dau et al., The UCR Time Series Archive, arXiv:1810.07758',
        origin='https://www.cs.ucr.edu/~eamonn/time_series_data_2018',
        test='the official file SyntheticControl_TEST',
        layouts='a folder with SyntheticControl_TRAIN.tsv and SyntheticControl_TEST.tsv (or .arff)',
        reader={'kind': 'series'},
        shape=(60,),
        marks=('SyntheticControl_TRAIN.*',),
        folders=('synthetic_control', 'SyntheticControl'),
        examples={'pool': 300, 'test': 300},
    ),
    'series': Dataset(
        about='time series with a class, as the UCR archive has them',
        kind='series',
        unit='a series',
        licence='none stated by the UCR archive, which asks to be cited',
        citation='H. A. Dau et al., The UCR Time Series Archive, arXiv:1810.07758',
        origin='https://www.cs.ucr.edu/~eamonn/time_series_data_2018',
        test='the official file *_TEST',
        layouts='a folder with NAME_TRAIN.tsv and NAME_TEST.tsv (or .arff)',
        reader={'kind': 'series'},
        form=True,
    ),
}

DATASETS = {**IMAGES, **SEQUENCES}


def entry(name: str) -> Dataset:
    """The catalog's entry of that name; raises ValueError with the known names."""
    if name not in DATASETS:
        raise ValueError(f"unknown dataset '{name}'; allowed: {sorted(DATASETS)}.{closest(name, DATASETS)}")
    return DATASETS[name]
