"""`refit certs`: the certificates of one site, made on the site.

`making.py` makes certificates, `folder.py` keeps them so that no crash leaves half of one,
`wanted.py` reads from a site file who needs one, `command.py` is the command line.
"""

from refit.certs.command import app

__all__ = ["app"]
