"""Rules of flowcontrol.apiserver.k8s.io: which requests are alike, and how many of them run at once."""
