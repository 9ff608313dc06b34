"""Registers the event store's tables in the admin: events, consumers, operator actions and lag samples."""

from django.contrib import admin

from eventstore.browser.consumers import CheckpointAdmin, LagSampleAdmin, OperatorActionAdmin
from eventstore.browser.events import EventAdmin
from eventstore.models import Checkpoint, Event, LagSample, OperatorAction

admin.site.site_header = "Daybook"
admin.site.site_title = "Daybook"
admin.site.index_title = "Events, consumers and read models"

admin.site.register(Event, EventAdmin)
admin.site.register(Checkpoint, CheckpointAdmin)
admin.site.register(OperatorAction, OperatorActionAdmin)
admin.site.register(LagSample, LagSampleAdmin)
