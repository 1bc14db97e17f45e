"""Say how familiar each moment of a jam session is, given what was heard before."""
