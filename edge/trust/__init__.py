"""Which OPC UA servers are trusted, and who we are to them: certificates in a folder of the agent.

`certificates.py` reads one, `folder.py` keeps the lists, `verify.py` decides, `own.py` makes ours.
"""
