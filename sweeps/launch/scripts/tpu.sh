#!/bin/bash
# A sweep on a TPU VM: one worker, which has all chips of this host. Install the lab there (pip install -e '.[tpu]'), copy this
# script there and run it: bash THIS_FILE. A VM that was taken away goes on where it was when the script is run again, on the
# same VM or on another one that sees the folder for records.
set -euo pipefail

# A study by name, or the path of a study file.
study=quickstart
# The folder for records, on a disk that outlives the VM and makes hard links: a persistent disk or NFS, no mounted bucket.
runs=runs
# The command, of the environment that has jax[tpu].
archlab=archlab
# Such as --checkpoint-minutes 2 where VMs are taken away often; a later option is stronger.
options=()
# VMs are taken away: more often than on a machine of one's own.
minutes=10

python=$(dirname "$(command -v "$archlab")")/python
seen=$("$python" -c 'import jax; print(jax.default_backend(), jax.local_device_count())')
if [[ $seen != tpu* ]]; then
  echo "no TPU here: jax sees $seen; run this on a TPU VM, with pip install -e '.[tpu]'" >&2
  exit 2
fi

exec "$archlab" run "$study" --runs "$runs" --launcher local --checkpoint-minutes "$minutes" "${options[@]}"
