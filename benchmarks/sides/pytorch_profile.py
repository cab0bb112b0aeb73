"""PyTorch profile: the groups of its operations, and how long each ran by itself."""

from collections.abc import Callable, Iterator

from torch.profiler import ProfilerActivity, profile

GROUPS = {
    'aten::mm': 'products',
    'aten::addmm': 'products',
    'aten::_scaled_dot_product': 'attention',
    'aten::convolution_backward': 'depthwise',
    'aten::mkldnn_convolution': 'depthwise',
    'aten::native_layer_norm': 'norms',
    'aten::_fused_rms_norm': 'norms',
    'aten::gelu': 'activation',
}
"""The group of operations whose name begins so."""


def timed(run: Callable[[], object]) -> Iterator[tuple[str, str, float]]:
    """(group, operation on its shapes, microseconds) of every operation that ran meanwhile."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as told:
        run()
    for event in told.events():
        group = next((group for begins, group in GROUPS.items() if event.name.startswith(begins)), 'rest')
        yield group, f'{event.name} {event.input_shapes}', event.self_cpu_time_total
