"""The addresses of Books."""

from django.urls import path, register_converter

from web.books import aging, balances, consumers, customers, find, invoices, log, login, sums, today, why
from web.books.acting import consumers as operating
from web.books.acting import recorded, webhooks
from web.books.acting import views as acting
from web.books.audit import account_line, evidence, sample, seal_proof


class BalanceCategory:
    """What has a balance of its own."""

    regex = "company|asset|account"

    def to_python(self, value: str) -> str:
        """Return the category."""
        return value

    def to_url(self, value: str) -> str:
        """Return the category."""
        return value


register_converter(BalanceCategory, "category")

app_name = "books"
urlpatterns = [
    path("", today.today, name="today"),
    path("find", find.find, name="find"),
    path("login/", login.LogIn.as_view(), name="login"),
    path("logout/", login.LogOut.as_view(), name="logout"),
    path("invoices", invoices.invoices, name="invoices"),
    path("invoices/<uuid:product_uuid>", invoices.invoice, name="invoice"),
    path("customers", customers.customers, name="customers"),
    path("customers/<uuid:company_uuid>", customers.customer, name="customer"),
    path("balances/<category:category>/<uuid:uuid>", balances.balance, name="balance"),
    path("aging", aging.aging, name="aging"),
    path("trial-balance", sums.trial_balance, name="trial-balance"),
    path("trial-balance/<str:account>/<str:currency>", account_line.account_line, name="account-line"),
    path("journal", sums.journal, name="journal"),
    path("log", log.log, name="log"),
    path("log/<int:position>", log.event, name="event"),
    path("log/<int:position>/seal", seal_proof.seal_proof, name="seal-proof"),
    path("streams/<str:stream_id>", log.stream, name="stream"),
    path("why", why.why, name="why"),
    path("sample", sample.draw, name="sample"),
    path("evidence", evidence.evidence, name="evidence"),
    path("do", recorded.commands, name="do"),
    path("do/<str:command>", acting.do, name="command"),
    path("recorded/<int:first>/<int:last>", recorded.recorded, name="recorded"),
    path("consumers", consumers.consumers, name="consumers"),
    path("consumers/<str:name>", consumers.consumer, name="consumer"),
    path("consumers/<str:name>/act", operating.act, name="consumer-act"),
    path("webhooks", webhooks.webhooks, name="webhooks"),
    path("webhooks/register", webhooks.register, name="webhook-register"),
    path("webhooks/<uuid:webhook_uuid>", webhooks.webhook, name="webhook"),
    path("webhooks/<uuid:webhook_uuid>/act", webhooks.act, name="webhook-act"),
]
