"""Rules of admissionregistration.k8s.io: webhooks and policies, all but the meaning of their expressions."""
