"""What the status recommends while the same is called for by figures that are a little different."""

from dataclasses import replace

from setpoint.tuner.knobs import Knobs
from tests.controllers.tuning.watched import Watched


def test_the_first_recommended_value_stays_shown_while_later_ones_are_about_the_same() -> None:
    it = Watched()
    it.tell()
    it.look(3)
    it.look(3, bad_share=0.2)
    (done,) = it.tuned.done
    first = replace(done, change=replace(done.change, after=Knobs(tokens=1100)))
    it.tuned = replace(it.tuned, done=(first,))
    change = it.look(3, bad_share=0.2).decision.change

    assert change
    assert change.after == Knobs(tokens=1024)
    assert it.tuned.done == (first,)
    assert "maxNumBatchedTokens 1100" in it.status["tuning"]["recommendation"]
