"""What a RayJob may hold, by KubeRay's v1 API reference (docs/reference/api.md there), and a pod by Kubernetes'.

A type is a Python type, a tuple of allowed texts, {field: type} for an object, [type] for a list, or MAP for texts by name.
"""

MAP = 'texts by name'
CONTAINER = {
    **dict.fromkeys(('name', 'image', 'imagePullPolicy', 'workingDir'), str),
    'command': [str],
    'args': [str],
    'env': [{'name': str, 'value': str}],
    'ports': [{'name': str, 'containerPort': int}],
    'resources': {'requests': MAP, 'limits': MAP},
    'volumeMounts': [{'name': str, 'mountPath': str, 'subPath': str, 'readOnly': bool}],
}
VOLUME = {'name': str, 'persistentVolumeClaim': {'claimName': str, 'readOnly': bool}, 'emptyDir': {}}
POD = {
    'metadata': {'labels': MAP, 'annotations': MAP},
    'spec': {'containers': [CONTAINER], 'volumes': [VOLUME], 'nodeSelector': MAP, 'restartPolicy': str},
}
HEAD_GROUP = {'template': POD, 'headService': {}, 'enableIngress': bool, 'rayStartParams': MAP, 'serviceType': str}
WORKER_GROUP = {
    'suspend': bool,
    'groupName': str,
    **dict.fromkeys(('replicas', 'minReplicas', 'maxReplicas', 'idleTimeoutSeconds', 'numOfHosts'), int),
    'rayStartParams': MAP,
    'template': POD,
    'scaleStrategy': {'workersToDelete': [str]},
}
RAY_CLUSTER = {
    'suspend': bool,
    'managedBy': str,
    'autoscalerOptions': {},
    'headServiceAnnotations': MAP,
    'enableInTreeAutoscaling': bool,
    'gcsFaultToleranceOptions': {},
    'headGroupSpec': HEAD_GROUP,
    'rayVersion': str,
    'workerGroupSpecs': [WORKER_GROUP],
}
RAY_JOB = {
    'apiVersion': ('ray.io/v1',),
    'kind': ('RayJob',),
    'metadata': {'name': str, 'namespace': str, 'labels': MAP, 'annotations': MAP},
    'spec': {
        **dict.fromkeys(('activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'), int),
        **dict.fromkeys(('managedBy', 'entrypoint', 'runtimeEnvYAML', 'jobId', 'entrypointResources', 'schedule'), str),
        'rayClusterSpec': RAY_CLUSTER,
        'submitterPodTemplate': POD,
        'metadata': MAP,
        'clusterSelector': MAP,
        'submitterConfig': {'backoffLimit': int},
        'deletionStrategy': {},
        'submissionMode': ('K8sJobMode', 'HTTPMode', 'InteractiveMode'),
        'entrypointNumCpus': float,
        'entrypointNumGpus': float,
        'shutdownAfterJobFinishes': bool,
        'suspend': bool,
    },
}


def wrong(value: object, kind: object, place: str = '') -> list[str]:
    """Where a value is not of a type, in words; none where it is."""
    if kind == MAP:
        kind = dict.fromkeys(value, str) if isinstance(value, dict) else {}
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            return [f'{place}: {value!r} is no object']
        unknown = [f'{place}.{name}: no such field' for name in value if name not in kind]
        return unknown + [one for name in value if name in kind for one in wrong(value[name], kind[name], f'{place}.{name}')]
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f'{place}: {value!r} is no list']
        return [one for number, part in enumerate(value) for one in wrong(part, kind[0], f'{place}[{number}]')]
    if isinstance(kind, tuple):
        return [] if value in kind else [f'{place}: {value!r} is none of {kind}']
    kinds = (int, float) if kind is float else kind
    fits = isinstance(value, kinds) and (kind is bool or not isinstance(value, bool))
    return [] if fits else [f'{place}: {value!r} is no {kind.__name__}']
