{{- /* Generated from operator/setpoint/kube/permissions.py: change it there. */ -}}
{{- define "setpoint.clusterRules" -}}
# What users ask for.
- apiGroups: ["setpoint.dev"]
  resources: ["inferenceservices"]
  verbs: ["get", "list", "watch"]
# Conditions, replicas and address.
- apiGroups: ["setpoint.dev"]
  resources: ["inferenceservices/status"]
  verbs: ["patch"]
# Children block their owner's deletion; OwnerReferencesPermissionEnforcement asks this right for it.
- apiGroups: ["setpoint.dev"]
  resources: ["inferenceservices/finalizers"]
  verbs: ["update"]
# What the tuner wants of a service's engines, and what it has to know again after a restart.
- apiGroups: ["setpoint.dev"]
  resources: ["tuningcheckpoints"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# The identity of a service's pods, without any right.
- apiGroups: [""]
  resources: ["serviceaccounts"]
  verbs: ["get", "list", "watch", "create", "patch"]
# The address of a service.
- apiGroups: [""]
  resources: ["services"]
  verbs: ["get", "list", "watch", "create", "patch"]
# The engine's pods.
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["get", "list", "watch", "create", "patch"]
# Drains take one pod of a service at a time.
- apiGroups: ["policy"]
  resources: ["poddisruptionbudgets"]
  verbs: ["get", "list", "watch", "create", "patch"]
# The pod template as first rendered, which an operator upgrade keeps; old ones are deleted.
- apiGroups: ["apps"]
  resources: ["controllerrevisions"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# The files of the plugin and its limits; the plugin of a former rollout is deleted.
- apiGroups: [""]
  resources: ["configmaps"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# Why a rollout does not come on.
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["get", "list", "watch"]
# The annotation that carries the limits; a ValidatingAdmissionPolicy allows no other change.
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["patch"]
# Whether a ready pod can be reached through the Service.
- apiGroups: ["discovery.k8s.io"]
  resources: ["endpointslices"]
  verbs: ["get", "list", "watch"]
{{- end -}}
{{- define "setpoint.namespaceRules" -}}
# Which replica leads.
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: ["setpoint"]
  verbs: ["get", "update"]
# The Lease of the first election; RBAC cannot tie a creation to a name.
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
{{- end -}}
