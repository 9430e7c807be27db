"""Passwords of ECR registries for pulling images, as a kubelet asks for them (credentialprovider.kubelet.k8s.io/v1)."""
