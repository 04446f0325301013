import os

from django.core.wsgi import get_wsgi_application

from portal.headroom import with_headroom

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = with_headroom(get_wsgi_application())
