"""Resources that only answer: may I, may they, who am I, whose token is this.

Forbidden here: deciding. The decisions are those of `authentication` and `authorization`.
"""
