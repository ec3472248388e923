"""Nodes that seem to have NVIDIA GPUs, to the kubelet and to whoever reads a node's labels.

It keeps of NVIDIA's device plugin: the gRPC services that the kubelet speaks with (API v1beta1), the resource
`nvidia.com/gpu`, device ids of the form GPU-<uuid>, NVIDIA_VISIBLE_DEVICES in the containers that get
devices, and the new registration when the kubelet starts again. It keeps of GPU Feature Discovery the labels
that describe a node's GPUs. It is no driver: no device file, no MIG, no health check, and a container that
got a GPU finds none.

`manifests.manifests(image)` has what to apply. The DaemonSet runs as root, because the kubelet's folder of
sockets is root's, and may patch nodes, because the labels are on them; a real cluster has two components for
that.
"""

RESOURCE = "nvidia.com/gpu"
