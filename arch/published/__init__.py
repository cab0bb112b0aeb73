"""Published models as configs over the sockets, by the names that timm and transformers give them; and maps of their weights.

Each family's file holds its `MODELS` and the map from the tensor names of the reference implementation to ours.
"""

from arch.published import (
    convnext,
    decoders,
    deepseek,
    deit3,
    efficientnet,
    gpt2,
    llama,
    metaformer,
    metaformer_baselines,
    nanochat,
    resnet,
    roadmap,
    swin,
    swin_v2,
    vit,
)
from arch.published.published import Published

MODELS: dict[str, Published] = {
    **resnet.MODELS,
    **gpt2.MODELS,
    **vit.MODELS,
    **deit3.MODELS,
    **swin.MODELS,
    **swin_v2.MODELS,
    **convnext.MODELS,
    **roadmap.MODELS,
    **llama.MODELS,
    **metaformer.MODELS,
    **metaformer_baselines.MODELS,
    **efficientnet.MODELS,
    **decoders.MODELS,
    **deepseek.MODELS,
    **nanochat.MODELS,
}
"""Every published model by name, families in the order of their papers, sizes and steps in the order of theirs."""
