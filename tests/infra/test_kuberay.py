"""The KubeRay manifests: known fields of the v1 API only, and what they promise.

The whole schema is KubeRay's own, some megabytes; `python -m tests.infra.crds` checks against it.
"""

import pytest

from tests.infra.files import IMAGE, PINNED, ROOT, ray_cluster_specs, read

# Fields of ray.io/v1 that the manifests may use (KubeRay 1.6, docs/reference/api.md).
CLUSTER = {
    *("rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "authOptions"),
    *("headGroupSpec", "workerGroupSpecs"),
}
AUTOSCALER = {"version", "idleTimeoutSeconds", "resources", "securityContext"}
HEAD = {"rayStartParams", "template"}
WORKER = HEAD | {"groupName", "replicas", "minReplicas", "maxReplicas"}
JOB = {
    *("entrypoint", "submissionMode", "backoffLimit", "shutdownAfterJobFinishes"),
    *("ttlSecondsAfterFinished", "rayClusterSpec"),
}
POD = {
    *("restartPolicy", "automountServiceAccountToken", "securityContext", "tolerations"),
    *("containers", "volumes"),
}
CONTAINER = {"name", "image", "securityContext", "envFrom", "ports", "resources", "volumeMounts"}

SPECS = ray_cluster_specs()
LABELS = {"app.kubernetes.io/part-of": "beta-sweep"}


@pytest.fixture(params=SPECS)
def spec(request):
    return SPECS[request.param]


def groups(spec):
    return [spec["headGroupSpec"], *spec["workerGroupSpecs"]]


@pytest.mark.parametrize(
    ("file", "kind"), [("raycluster.yaml", "RayCluster"), ("rayjob.yaml", "RayJob")]
)
def test_kind_and_name(file, kind):
    manifest = read(f"kuberay/{file}")
    assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", kind)
    assert len(manifest["metadata"]["name"]) <= 47  # KubeRay's limit


def test_only_known_fields(spec):
    assert set(spec) <= CLUSTER
    assert set(spec["autoscalerOptions"]) <= AUTOSCALER
    assert set(spec["headGroupSpec"]) <= HEAD
    for group in spec["workerGroupSpecs"]:
        assert set(group) <= WORKER
    for group in groups(spec):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        assert set(pod) <= POD
        assert all(set(container) <= CONTAINER for container in pod["containers"])


def test_versions_are_the_pinned_ones(spec):
    assert spec["rayVersion"] == PINNED["ray"]
    for group in groups(spec):
        assert [c["image"] for c in group["template"]["spec"]["containers"]] == [IMAGE]


def test_gpu_workers_scale_to_zero(spec):
    assert spec["enableInTreeAutoscaling"] is True
    assert 0 < spec["autoscalerOptions"]["idleTimeoutSeconds"] <= 600
    for group in spec["workerGroupSpecs"]:
        assert group["minReplicas"] == 0 == group["replicas"] < group["maxReplicas"]
        (container,) = group["template"]["spec"]["containers"]
        assert int(container["resources"]["limits"]["nvidia.com/gpu"]) >= 1


def test_the_token_comes_from_a_secret(spec):
    assert spec["authOptions"]["mode"] == "token"
    assert spec["authOptions"]["secretName"] == "beta-sweep-ray-token"


def test_pods_are_limited_and_not_root(spec):
    for group in groups(spec):
        pod = group["template"]["spec"]
        assert pod["restartPolicy"] == "Never"  # asked for by autoscaler v2 and by SidecarMode
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 1000
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])


def test_every_pod_has_the_store(spec):
    claim = read("kuberay/store.yaml")
    assert (claim["apiVersion"], claim["kind"]) == ("v1", "PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for group in groups(spec):
        pod = group["template"]["spec"]
        assert pod["volumes"] == [
            {"name": "store", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
        ]
        for container in pod["containers"]:
            assert {"name": "store", "mountPath": "/mnt/store"} in container["volumeMounts"]


def test_the_dashboard_is_on_loopback_or_behind_the_network_policy():
    hosts = {
        file: spec["headGroupSpec"]["rayStartParams"]["dashboard-host"]
        for file, spec in SPECS.items()
    }
    assert hosts == {"raycluster.yaml": "127.0.0.1", "rayjob.yaml": "0.0.0.0"}
    policy = read("kuberay/network.yaml")
    assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert policy["spec"]["podSelector"] == {"matchLabels": LABELS}
    own, operator = policy["spec"]["ingress"]
    assert own == {"from": [{"podSelector": {"matchLabels": LABELS}}]}
    assert operator["ports"] == [{"protocol": "TCP", "port": 8265}]
    for spec in SPECS.values():  # a pod without the label would be open to all
        assert all(group["template"]["metadata"]["labels"] == LABELS for group in groups(spec))


def test_the_job_runs_a_sweep_file_of_the_image():
    job = read("kuberay/rayjob.yaml")["spec"]
    assert set(job) <= JOB
    assert job["submissionMode"] == "SidecarMode" and job["shutdownAfterJobFinishes"] is True
    words = job["entrypoint"].split()
    assert words[:2] == ["sweep", "run"]
    assert (ROOT / words[2].removeprefix("/opt/beta-sweep/")).is_file()
    assert words[3:] == ["--address", "auto", "--store", "/mnt/store"]
