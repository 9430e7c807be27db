"""Rules of pod specs, shared by pods and every kind that carries a pod template."""
