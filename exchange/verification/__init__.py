"""Is the batch what it claims to be? The draw, the sample, the calls and the decision.

The draw's secret is committed before the upload, so that nobody can choose who is called.
"""
