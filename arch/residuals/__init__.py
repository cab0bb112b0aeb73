"""Residual rules: how branches join the stream. `(stream, branch, context)` to the next stream.

The stream of most rules is one array [..., C]. A rule with a larger stream has `STREAMS = True` and the two methods of
`arch.block.Residual`, `enter` and `leave`, with `nn.nowrap`. If its stream grows with depth, it also has `SCANS = False`,
because no scan can carry it.
"""

from arch.residuals.attention_residuals import AttentionResiduals
from arch.residuals.deep_norm import DeepNorm
from arch.residuals.depth_weighted_average import DepthWeightedAverage
from arch.residuals.first_values import FirstValues
from arch.residuals.fixup import Fixup
from arch.residuals.hyper_connections import HyperConnections
from arch.residuals.manifold_hyper_connections import ManifoldHyperConnections
from arch.residuals.single import LayerScale, NoResidual, Post, Pre, ResidualScale, ResPost, Rezero, Sandwich, SkipInit
from arch.residuals.value_embeddings import SharedValueEmbeddings, ValueEmbeddings
from arch.residuals.value_residual import ValueResidual

RESIDUALS = {
    'pre': Pre,
    'post': Post,
    'res_post': ResPost,
    'sandwich': Sandwich,
    'layer_scale': LayerScale,
    'residual_scale': ResidualScale,
    'rezero': Rezero,
    'skip_init': SkipInit,
    'deep_norm': DeepNorm,
    'fixup': Fixup,
    'hyper_connections': HyperConnections,
    'manifold_hyper_connections': ManifoldHyperConnections,
    'attention_residuals': AttentionResiduals,
    'depth_weighted_average': DepthWeightedAverage,
    'value_residual': ValueResidual,
    'first_values': FirstValues,
    'value_embeddings': ValueEmbeddings,
    'shared_value_embeddings': SharedValueEmbeddings,
    'none': NoResidual,
}
