"""Feature gates: which fields and rules of an API version are on.

`gates.txt` is the table, `table` reads it, `gates` decides for one server. Whatever has to know whether a feature is on
asks the server's `FeatureGates`. Forbidden here: what a feature does, which belongs to who does it.
"""

from cloudk8s.api.features.gates import FeatureGates
from cloudk8s.api.features.parsing import ineffective, parse_feature_gates

__all__ = ["FeatureGates", "ineffective", "parse_feature_gates"]
