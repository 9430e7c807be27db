"""Ingresses on application load balancers, as the AWS Load Balancer Controller reads them.

Ingresses → groups → options and rules (pure) → a stack, which the engine brings about. Belongs here: what is true of
Ingress and of application load balancers only. Forbidden here: Services of type LoadBalancer.
"""
