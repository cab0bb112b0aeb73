"""The accelerator's part that trains by PyTorch: how many steps are timed, and what is told of them; PyTorch is a stand-in."""

import contextlib
import itertools
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from benchmarks.accelerator import peers
from benchmarks.measured import Measured


@pytest.mark.parametrize('cuda', [False, True])
@pytest.mark.parametrize('tiny', [False, True])
def test_steps_are_timed_after_warm_ones(tmp_path: Path, monkeypatch, cuda, tiny):
    calls = []

    class Made:
        """Whatever PyTorch makes: it can be moved, called and stepped, and remembers that."""

        def __init__(self, name, *given, **options):
            self.name = name
            calls.append((name, given, options))

        def to(self, *place, **options):
            calls.append((f'{self.name} to', place, options))
            return self

        def __call__(self, x):
            return f'scores of {self.name}'

        def parameters(self):
            return 'parameters'

        def zero_grad(self, set_to_none):
            calls.append('zero_grad')

        def backward(self):
            calls.append('backward')

        def step(self):
            calls.append('step')

    def made(name):
        return lambda *given, **options: Made(name, *given, **options)

    torch, models = ModuleType('torch'), ModuleType('torchvision.models')
    torch.cuda = SimpleNamespace(is_available=lambda: cuda, synchronize=lambda: calls.append('synchronize'))
    torch.backends = SimpleNamespace(cuda=SimpleNamespace(matmul=SimpleNamespace()), cudnn=SimpleNamespace())
    torch.channels_last, torch.bfloat16, torch.Tensor = 'last', 'bfloat16', object
    torch.optim = SimpleNamespace(AdamW=made('adamw'))
    torch.randn, torch.randint, torch.compile = made('images'), made('classes'), lambda model: Made('compiled')
    torch.autocast = lambda device, number: contextlib.nullcontext(calls.append((device, number)))
    torch.nn = SimpleNamespace(functional=SimpleNamespace(cross_entropy=made('loss')))
    models.convnext_tiny = made('convnext')
    for name, module in (('torch', torch), ('torchvision', ModuleType('torchvision')), ('torchvision.models', models)):
        monkeypatch.setitem(sys.modules, name, module)
    clock = itertools.count()
    monkeypatch.setattr(peers, 'time', SimpleNamespace(perf_counter=lambda: next(clock) ** 2))
    told = Measured(tmp_path / 'told.json')
    peers.run(told, tiny)
    device, ways, batch, side = 'cuda' if cuda else 'cpu', 1 if tiny else 2, 1 if tiny else 128, 32 if tiny else 224
    steps = ways * (2 if tiny else 3 + 3 * 10)
    assert [calls.count(name) for name in ('zero_grad', 'backward', 'step')] == [steps] * 3
    order = ['zero_grad', 'backward', 'step']
    assert [one for one in calls if one in order] == order * steps
    assert calls.count((device, 'bfloat16')) == steps
    assert calls.count('synchronize') == cuda * ways * (2 if tiny else 4)
    assert ('adamw', ('parameters', 1e-4), {'weight_decay': 0.01, 'fused': cuda}) in calls
    assert ('images', (batch, 3, side, side), {'device': device}) in calls
    assert ('classes', (0, 1000, (batch,)), {'device': device}) in calls
    assert ('convnext', (), {'num_classes': 1000}) in calls and ('convnext to', (device,), {'memory_format': 'last'}) in calls
    losses = [one[1] for one in calls if one[0] == 'loss']
    assert losses[0][0] == 'scores of convnext' and losses[-1][0] == f'scores of {"convnext" if tiny else "compiled"}'
    assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.benchmark is True
    # The clock stands at the squares of its looks: 0 to 1 for the warm steps, then 4 to 9, 16 to 25 and 36 to 49.
    (first, *more) = told.rows
    step = 5 if tiny else 9 / 10
    assert first == {'name': 'convnext_tiny, plain', 'device': device, 'batch': batch, 'step': step, 'warming': 1}
    assert [row['name'] for row in more] == ([] if tiny else ['convnext_tiny, compiled'])
