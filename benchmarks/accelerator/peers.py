"""Peers: ConvNeXt-T trained by PyTorch at its best (channels last, bfloat16, compiled), where PyTorch is."""

import time

from benchmarks.measured import Measured

NEEDS, SECONDS = ('torch', 'torchvision'), 100
STEPS = 10


def run(told: Measured, tiny: bool) -> None:
    """Seconds of a training step by AdamW on one batch, as in `models`; not compiled first, so that a number is there early."""
    import torch
    from torchvision.models import convnext_tiny

    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    batch, side = (1, 32) if tiny else (128, 224)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.benchmark = True
    model = convnext_tiny(num_classes=1000).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.01, fused=device == 'cuda')
    x = torch.randn(batch, 3, side, side, device=device).to(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (batch,), device=device)

    def ended() -> None:
        if device == 'cuda':
            torch.cuda.synchronize()

    for way in ('plain',) if tiny else ('plain', 'compiled'):
        forward = torch.compile(model) if way == 'compiled' else model

        def step(forward=forward) -> torch.Tensor:
            with torch.autocast(device, torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(forward(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss

        began = time.perf_counter()
        for _ in range(1 if tiny else 3):
            step()
        ended()
        warming, times = time.perf_counter() - began, []
        for _ in range(1 if tiny else 3):
            began = time.perf_counter()
            for _ in range(1 if tiny else STEPS):
                step()
            ended()
            times.append((time.perf_counter() - began) / (1 if tiny else STEPS))
        told.add(f'convnext_tiny, {way}', device=device, batch=batch, step=sorted(times)[len(times) // 2], warming=warming)
