"""Who is acting, and for whom: users, organizations, memberships, sign-ins, API keys.

Permissions are one table in `permissions`; every door declares one through `access`.
"""
