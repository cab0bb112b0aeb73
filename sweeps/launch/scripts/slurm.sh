#!/bin/bash
# The driver of a sweep as a job of its own. It submits workers as array jobs, collects their records, and may be killed and
# submitted again at any time: it goes on where it was. Submit it from a folder that all nodes see: sbatch THIS_FILE
#SBATCH --job-name=archlab-driver
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=1-00:00:00
#SBATCH --requeue
set -euo pipefail

# A study by name, or the path of a study file.
study=quickstart
# The folder for records, which all nodes see.
runs=runs
# The command, of the environment that the workers use too.
archlab=archlab
# Such as --partition gpu --gpus 1 --time 2:00:00; or write them into archlab.toml beside the study.
options=()

exec "$archlab" run "$study" --runs "$runs" --launcher slurm "${options[@]}"
