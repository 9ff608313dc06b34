"""The event store's place in the admin: the log, its consumers, and what operators did to them."""

from django.contrib import admin

from eventstore.browser.consumers import CheckpointAdmin, LagSampleAdmin, OperatorActionAdmin
from eventstore.browser.events import EventAdmin
from eventstore.models import Checkpoint, Event, LagSample, OperatorAction

admin.site.site_header = "Daybook"
admin.site.site_title = "Daybook"
admin.site.index_title = "The ledger, to look at"

admin.site.register(Event, EventAdmin)
admin.site.register(Checkpoint, CheckpointAdmin)
admin.site.register(OperatorAction, OperatorActionAdmin)
admin.site.register(LagSample, LagSampleAdmin)
