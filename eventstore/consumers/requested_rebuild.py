"""Rebuilds a group beside its running projector when an operator asks for it.

# Note [A request is seen with the rows]
An operator's request is the id of the operator action, in the live rows. The projector's cursor notes it whenever it
reads the rows, also if it is stopped, and the switch at the end of the rebuild clears it. So a process that is killed
meanwhile, or that starts later, finds the request and continues the rebuild.
"""

from eventstore.consumers.projector_runner import ProjectorRunner
from eventstore.consumers.rebuild import RebuildOver, RebuildRunner, delete_some_garbage
from eventstore.consumers.runner import Step


class RequestedRebuild:
    """Takes the steps of a rebuild as long as one is asked for; it takes turns with the runner of the live rows."""

    def __init__(self, live: ProjectorRunner) -> None:
        self._live = live
        self._rebuild = self._new()
        self._has_begun = False
        self._has_garbage = False
        self.cursor = self._rebuild.cursor

    def _new(self) -> RebuildRunner:
        rebuild = RebuildRunner(self._live.group, self._live.cursor.batch_size)
        rebuild.cursor.pages = self._live.cursor.pages  # See Note [Pages are shared]
        return rebuild

    @property
    def is_asked_for(self) -> bool:
        """Whether an operator asks for the rebuild. See Note [A request is seen with the rows]."""
        return self._live.cursor.rebuild_request is not None

    def begin(self) -> None:
        """Register nothing: the rows are made when a rebuild begins."""

    def step(self) -> Step:
        """Project the next batch into the new generation, or delete some rows of the old one; idle without a request.

        Nothing is done while the projector is paused.
        """
        if not self.is_asked_for:
            self._has_garbage = self._has_garbage and delete_some_garbage(self._live.group)
            return Step.PROGRESSED if self._has_garbage else Step.IDLE
        if self._live.cursor.is_paused:
            return Step.PAUSED
        try:
            if not self._has_begun:
                self._rebuild.begin(self._live.group.names[0], actor="")
                self._has_begun = True
            step = self._rebuild.step()
            if step is not Step.STOPPED and self.cursor.has_handled_all and self._rebuild.switch():
                return self._end()
        except RebuildOver:  # this process or another has made the switch, or an operator has forgotten the rebuild
            return self._end()
        return step

    def _end(self) -> Step:
        """Let the projector go on with the new generation, and the next step delete the old one."""
        self._live.cursor.forget()
        self._live.cursor.rebuild_request = None  # read again with the rows
        self._rebuild, self._has_begun, self._has_garbage = self._new(), False, True
        self.cursor = self._rebuild.cursor
        return Step.PROGRESSED
