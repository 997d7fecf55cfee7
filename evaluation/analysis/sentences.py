"""The answer in sentences: what to use, how good it is, what it loses, and how certain that is."""

import math
from collections.abc import Iterator, Sequence

from evaluation.analysis.answer import Answer, Best
from evaluation.analysis.formatting import count, fixed, metric_name, number, score_name
from evaluation.analysis.recommend import factors_kept, likelihood_of
from evaluation.analysis.run_health import HealthCounts
from evaluation.analysis.settings.names import setting_label, short_name
from evaluation.analysis.settings.summary import SettingSummary
from trainer.config.schema import first_few

MAX_NAMED = 5  # settings named in a sentence
CONTENDER = 0.05  # a latent size with at least this probability may be the best


def sentences(answer: Answer) -> Iterator[str]:
    """The whole answer, one point per sentence, the most useful first."""
    yield from _use(answer)
    yield from _verdict(answer)
    yield from _factors(answer)
    yield from _score(answer)
    yield from _top(answer)
    yield from _runs(answer)
    yield from _scope(answer)


def headline(best: Best) -> str:
    """The best beta and its score in a line, or that there is none."""
    score = fixed(best.score, 3)
    if best.spread is not None:
        score += f" ± {fixed(best.spread, 3)}"
    score += f" over {count(best.seeds, 'seed')}"
    given = ", ".join(best.choices)
    if not best.unusable:
        return f"best β: {best.beta:.4g}  ({given}), score {score}"
    if not best.setting.finished:
        return "no best β: no run has a score"
    return f"no best β: of those tried, {best.beta:.4g} ({given}) comes first, with score {score}"


def _use(answer: Answer) -> Iterator[str]:
    best = answer.best
    if best.standing is None or len(answer.choice.settings) == 1:
        return
    if best.unusable:
        yield (
            f"No setting is worth using: even of the best, {setting_label(best.setting)}, "
            f"{best.unusable}."
        )
        return
    whose = "of those that finished" if answer.unknown else "setting's"
    yield (
        f"Use {setting_label(best.setting)} (β_norm {number(best.beta_norm)}): its score is within "
        f"{number(best.within)} of the best {whose} with probability "
        f"{best.standing.probability_within:.2f}, and {fixed(best.standing.expected_loss, 3)} "
        "below it on average."
    )
    others = [s for s in best.good if s is not best.setting]
    if others and best.good_beta:
        low, high = map(number, best.good_beta)
        alone = "the same β" if low == number(best.beta) else f"β {low}"
        span = f"β from {low} to {high}" if low != high else alone
        named = first_few([setting_label(each) for each in others], MAX_NAMED, "; ")
        yield f"As good, more likely than not: {span} ({named})."
    if best.favourite is not None and best.favourite is not best.setting:
        yield _preferred(best, best.favourite)


def _preferred(best: Best, favourite: SettingSummary) -> str:
    """Why the setting to use is not the metric's favourite."""
    setting = best.setting
    opening = (
        f"The metric's favourite is {setting_label(favourite)}, but its mean over seeds "
        f"({fixed(favourite.mean, 3)} against {fixed(setting.mean, 3)}) does not tell the two apart"
    )
    kept, others = factors_kept(setting), factors_kept(favourite)
    if kept > others:
        whole = len(setting.factors)
        return f"{opening}, and this one keeps {kept} of {whole} factors, the favourite {others}."
    ours, theirs = fixed(setting.reconstruction, 1), fixed(favourite.reconstruction, 1)
    better = setting.reconstruction > favourite.reconstruction and ours != theirs
    if better and likelihood_of(setting) == likelihood_of(favourite):
        return (
            f"{opening}, and this one reconstructs better ({ours} against {theirs} nats per image)."
        )
    return f"{opening}, and more of this one's models are usable."


def _verdict(answer: Answer) -> Iterator[str]:
    best, health = answer.best, answer.health
    if best.verdict == "clear":
        yield "Verdict: clear, the scores settle this."
        if 2 * health.unconverged >= health.runs:
            yield (
                f"It holds for this length of training: the loss of {health.unconverged} of "
                f"{count(health.runs, 'run')} was still falling, and longer training may shift β."
            )
    else:
        yield "Verdict: cannot tell."
        yield from best.reasons


def _factors(answer: Answer) -> Iterator[str]:
    """Each factor that is lost at the setting to use or at the metric's favourite."""
    best = answer.best
    mentioned: set[str] = set()
    for setting in (best.setting, best.favourite):
        if setting is None:
            continue
        lost = [name for name, found in setting.factors.items() if not found.encoded]
        lost = [name for name in lost if name not in mentioned]
        mentioned.update(lost)
        holders = {name: _holder(name, setting, answer.choice.settings) for name in lost}
        if nowhere := [name for name in lost if holders[name] is None]:
            others = ", nor at any other setting" if len(answer.choice.settings) > 1 else ""
            yield f"{_not_encoded(nowhere, setting)}{others}."
        for name, holder in holders.items():
            if holder is not None:
                size = "" if holder.latents == setting.latents else f", M = {holder.latents}"
                known = fixed(holder.factors[name].known, 2)
                elsewhere = f"it is at β = {number(holder.beta)}{size} ({known})"
                yield f"{_not_encoded([name], setting)}; {elsewhere}."


def _not_encoded(factors: Sequence[str], setting: SettingSummary) -> str:
    """Says so of one or more."""
    most = fixed(max(setting.factors[name].known for name in factors), 2)
    names, are = (factors[0], "is") if len(factors) == 1 else (_and(factors), "are")
    known = most if len(factors) == 1 else f"at most {most}"
    return f"{names} {are} not encoded at β = {number(setting.beta)} ({known} of 1)"


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _holder(
    factor: str, lost_at: SettingSummary, settings: Sequence[SettingSummary]
) -> SettingSummary | None:
    """The setting that knows most of a factor, if any encodes it."""
    holding = [s for s in settings if factor in s.factors and s.factors[factor].encoded]
    # at the same latent size if possible: that is the smallest change
    holding = [s for s in holding if s.latents == lost_at.latents] or holding
    return max(holding, key=lambda s: s.factors[factor].known, default=None)


def _score(answer: Answer) -> Iterator[str]:
    """How informative the score is: its ceiling and its floor."""
    best, metric = answer.best, answer.choice.metric
    title = score_name(metric) if metric else "score"
    top = best.favourite or best.setting
    if answer.choice.ceiling - top.mean <= best.within:
        yield (
            f"The {title} is at its ceiling ({fixed(top.mean, 3)} of 1): it cannot rank settings "
            "that reach it."
        )
    if best.floor is not None:
        spread = f" ± {fixed(best.floor.spread, 3)}" if math.isfinite(best.floor.spread) else ""
        yield (
            f"The floor of the {title} is {fixed(best.floor.mean, 3)}{spread}: what the same codes "
            "score when they are shuffled among the images."
        )


def _top(answer: Answer) -> Iterator[str]:
    best = answer.best
    if best.standing is None or best.interval is None or len(answer.choice.settings) == 1:
        return
    low, high = map(number, best.interval)
    one_beta = len({s.beta for s in answer.choice.settings}) == 1
    top = "" if one_beta else f"{answer.level:.0%} interval of the best β: {low} to {high}. "
    chance = fixed(best.standing.probability_best, 2)
    others = "setting that finished" if answer.unknown else "setting tried"
    yield f"{top}Probability that no other {others} is better: {chance}."
    size = best.setting.latents
    betas = [s.beta for s in answer.choice.settings if s.latents == size]
    betas += [beta for beta, latents in answer.unknown if latents == size]
    ends = {min(betas): "lowest", max(betas): "highest"} if len(set(betas)) > 1 else {}
    if best.verdict == "clear" and best.setting.beta in ends:
        end = ends[best.setting.beta]
        yield f"It is the {end} β tried at this latent size: {end[:-3]}er ones may be better."
    contenders = {m: p for m, p in answer.probability_latents.items() if p > CONTENDER}
    if len(contenders) > 1:
        odds = ", ".join(f"M = {m} ({p:.2f})" for m, p in contenders.items())
        yield f"The latent size is not settled: {odds}; the interval of beta covers all of them."
    high_score, used = answer.choice.settings[0], best.setting
    ahead = fixed(high_score.score, 3) != fixed(used.score, 3)  # and not by rounding alone
    if high_score not in (used, best.favourite) and math.isfinite(high_score.score) and ahead:
        yield (
            f"By score alone, the mean of the better half, {setting_label(high_score)} is ahead, "
            f"{fixed(high_score.score, 3)} against {fixed(used.score, 3)}; but that mean also "
            "rises with the variation between seeds."
        )


def _runs(answer: Answer) -> Iterator[str]:
    """The fate of the runs: failures and unusable models."""
    choice, health = answer.choice, answer.health
    if choice.failed:
        at = f"; each counts as {choice.failed_score:.3g}"
        known = math.isfinite(choice.failed_score)
        yield f"{choice.failed} of {count(health.runs, 'run')} failed{at if known else ''}."
    yield from describe_health(health)
    if choice.undefined:
        yield (
            f"{metric_name(choice.metric)} is undefined for the {count(choice.undefined, 'run')} "
            "without a live latent, or without another seed that has one: means over seeds leave "
            "them out."
        )
    if choice.settings and max(setting.seeds for setting in choice.settings) == 1:
        yield "Every setting has one seed: the noise is estimated from scatter about the curve."


def describe_health(health: HealthCounts) -> Iterator[str]:
    """One sentence with counts of what went wrong, if anything did."""
    blurred = health.worse_than_mean_image
    kinds = {
        "collapsed (no live latent)": health.collapsed,
        "diverged": health.diverged,
        "had not converged": health.unconverged,
        f"reconstruct{'s' if blurred == 1 else ''} no better than the mean image": blurred,
    }
    found = [f"{number} {kind}" for kind, number in kinds.items() if number]
    if found:
        yield f"Health: of {count(health.runs, 'run')}, {', '.join(found)}."


def _scope(answer: Answer) -> Iterator[str]:
    """What the answer does not cover, or treats differently."""
    choice = answer.choice
    zero = next((s for s in choice.settings if s.beta == 0 and s.finished), None)
    rest = [s for s in choice.settings if s.beta > 0 and math.isfinite(s.mean)]
    if zero is not None and rest:
        sign = 1 if choice.goal == "maximize" else -1
        other = max(rest, key=lambda s: sign * s.mean)
        place = "ahead of" if sign * zero.mean > sign * other.mean else "behind"
        yield (
            "beta = 0 has no place on a curve over log beta, so this is all about positive beta. "
            f"Its mean score, {fixed(zero.mean, 3)} at M = {zero.latents}, is {place} the best of "
            f"the others ({fixed(other.mean, 3)})."
        )
    if answer.scattered:
        names = ", ".join(map(short_name, answer.scattered))
        yield f"Other parameters vary too ({names}); their effect counts as noise here."
    if answer.levels:
        names = ", ".join(map(short_name, answer.levels))
        yield f"Too few betas for a curve per {names}: they share one shape, each at its own level."
    likelihoods = {likelihood_of(setting) for setting in choice.settings}
    if len(likelihoods) > 1:
        yield "Reconstructions under different likelihoods are not compared: their units differ."
