"""What the doctor says against what full training shows, over configs drawn at random.

    python -m tests.doctor.confusion [--seed S] [--count N]

Full training is vgrad's own, from the config to its last step. Its skill is measured on the test
part: from 0, as good as the best constant answer, to 1; by accuracy where there are classes, else
by the share of the variance that is explained. A config *trains* if it reaches half of the best
skill that it, or any remedy that was tried, reaches in full training, and at least 0.2.
"""

import argparse
import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from threadpoolctl import threadpool_limits

from tests.doctor.broken_configs import draw
from vgrad.config import Config
from vgrad.doctor import examine
from vgrad.doctor.remedies import candidate, candidates
from vgrad.experiment import prepare
from vgrad.training import train

HALF = 0.5  # of the best that is in reach: then a net has trained …
CLEARLY = 0.2  # … if that is more than anyone would put down to chance
AGREEMENT = 0.95  # what is asked for


def skill(config: Config) -> float:
    """What full training comes to, on the test part."""
    dataset = prepare(config).dataset
    with threadpool_limits(1, user_api="blas"):
        *_, last = train(config)
    if dataset.n_classes:
        chance = float(np.bincount(dataset.y_test).max()) / len(dataset.y_test)
        accuracy = last.metrics.test_accuracy
        found = (accuracy - chance) / (1.0 - chance)
    else:
        found = 1.0 - last.metrics.test_loss / float(np.var(dataset.y_test))
    return found if math.isfinite(found) and last.metrics.step == config.train.steps else 0.0


def has_trained(skill: float, best: float) -> bool:
    """The definition at the head of this file."""
    return skill >= max(HALF * best, CLEARLY)


@dataclass(frozen=True)
class Case:
    """A config, what the doctor said, and what full training showed."""

    config: Config
    verdict: str
    said: bool
    skill: float
    prescribed: float
    """Skill of the first prescription; nan where there was none."""
    change: dict[str, object]
    best: float
    """The highest skill that anything reached."""
    seconds: float

    @property
    def shown(self) -> bool:
        """Whether it trains."""
        return has_trained(self.skill, max(self.best, self.skill))

    @property
    def agrees(self) -> bool:
        """Verdict and training."""
        return self.said == self.shown

    @property
    def curable(self) -> bool:
        """It needs a remedy, and there is one."""
        return not self.shown and has_trained(self.best, self.best)

    @property
    def cured(self) -> bool:
        """The first prescription trains."""
        return has_trained(self.prescribed, self.best)


def judge(config: Config) -> Case:
    """Examine, then train in full. Where the first prescription does not train, every remedy is
    trained, alone and with Adam: one of them may."""
    begun = time.perf_counter()
    with threadpool_limits(1, user_api="blas"):
        found = examine(config)
    seconds = time.perf_counter() - begun
    own = skill(config)
    first = found.prescriptions[:1]
    prescribed = skill(first[0].config) if first else math.nan
    best = max(own, prescribed) if first else own
    if best < HALF:
        configs = [one.config for one in found.prescriptions[1:]] + everything(config)
        best = max([best, *map(skill, configs)])
    change = dict(first[0].change) if first else {}
    return Case(config, found.verdict, found.trains, own, prescribed, change, best, seconds)


def everything(config: Config) -> list[Config]:
    """Every remedy, and each together with Adam."""
    found = [one for _, one in candidates(config)]
    adam = {"optimizer": {"name": "adam", "lr": 0.001}}
    both = [candidate(config, one.remedies, {**one.change, **adam}) for one in found]
    return [one.config for one in (*found, *both) if one is not None]


def run(seed: int, count: int, workers: int = 2) -> list[Case]:
    """The cases of a seed."""
    configs = draw(seed, count)
    if workers < 2:
        return [judge(config) for config in configs]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(judge, configs))


def share(flags: Sequence[bool]) -> float:
    """Of those that are set; 1 of none."""
    return sum(flags) / len(flags) if flags else 1.0


def summary(cases: Sequence[Case]) -> str:
    """The confusion table, and what went wrong."""
    count = Counter((case.said, case.shown) for case in cases)
    agreement = share([case.agrees for case in cases])
    curable = [case for case in cases if case.curable]
    lines = [
        "                     training shows:",
        "doctor says:          trains   does not",
        f"  trains             {count[True, True]:7d}{count[True, False]:11d}",
        f"  does not           {count[False, True]:7d}{count[False, False]:11d}",
        f"agreement            {agreement:7.1%} of {len(cases)}",
        f"first prescription   {share([case.cured for case in curable]):7.1%} of {len(curable)} "
        "that some remedy cures",
        f"no remedy found      {sum(not c.shown and not c.curable for c in cases):7d}",
        f"seconds              {np.mean([case.seconds for case in cases]):7.2f} per examination, "
        f"{max(case.seconds for case in cases):.1f} at most",
        f"verdicts             {dict(Counter(case.verdict for case in cases))}",
    ]
    wrong = [case for case in cases if not case.agrees or (case.curable and not case.cured)]
    return "\n".join([*lines, *map(story, wrong)])


def story(case: Case) -> str:
    """A case that went wrong."""
    model = case.config.to_dict()["model"]
    return (
        f"- {'verdict' if not case.agrees else 'cure'}: said {case.verdict}, skill "
        f"{case.skill:.2f}, prescribed {case.prescribed:.2f}, best {case.best:.2f}\n"
        f"  seed {case.config.seed} {case.config.data.to_plain()} {model}\n"
        f"  {case.config.optimizer.to_plain()} {case.config.clip.to_plain()} "
        f"{case.config.schedule.to_plain()} l2 {case.config.regularization.l2}\n"
        f"  change {case.change}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    print(summary(run(options.seed, options.count, options.workers)))
