"""CertificateSigningRequests: approve those of kubelets, sign what is approved, delete what is old.

`requests` reads a request, `rules` says what each signer takes, `authority` signs; `approving`, `signing` and
`cleaning` are the controllers.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""
