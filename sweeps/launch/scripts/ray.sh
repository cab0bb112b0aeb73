#!/bin/bash
# The driver of a sweep on a Ray cluster. Start Ray first, of the same version and with the same lab on every node:
#   on the head      ray start --head --port=6379
#   on each other    ray start --address=HEAD:6379
# Run this on the head, from a folder that all nodes see. It may be killed and started again: it goes on where it was.
set -euo pipefail

# A study by name, or the path of a study file.
study=quickstart
# The folder for records, which all nodes see.
runs=runs
# The command, of the environment that the workers use too.
archlab=archlab
# Such as --gpus 1; or write them into archlab.toml beside the study.
options=()
address=${RAY_ADDRESS:-127.0.0.1:6379}

exec "$archlab" run "$study" --runs "$runs" --launcher ray --address "$address" "${options[@]}"
