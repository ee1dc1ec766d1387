"""Receives OpenLineage events over HTTP, as its clients send them; what is answered is durable.

Every part assumes that whoever connects means harm: heads and bodies have deadlines and limits, a
token is checked before a body is read, memory for bodies is budgeted, and what one client does
never keeps another one waiting for long.
"""
