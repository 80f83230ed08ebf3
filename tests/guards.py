"""``make guards``: take each guard of the invariants away in a copy of the tree, and see a test fail.

A guard whose removal no test notices would be a promise nobody keeps. Each entry names the file, the
text taken out, what stands there instead, and the tests that must go red; first they must be green.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOUSES = (
    "services/policy",
    "services/generation",
    "services/evaluation",
    "services/lineage",
    "shared",
    "client",
    "deploy/local",
)
POLICY, GENERATION = "services/policy/mintmark_policy", "services/generation/mintmark_generation"
EVALUATION, LINEAGE = "services/evaluation/mintmark_evaluation", "services/lineage/mintmark_lineage"


@dataclass(frozen=True)
class Guard:
    """One protection and who notices its loss."""

    invariant: str
    file: str
    guard: str
    instead: str
    tests: str


GUARDS = (
    Guard("I6 a plan without charter", f"{POLICY}/domain/gate/__init__.py", "GATE: tuple[Rule, ...] = (\n    charter_is_in_force,\n", "GATE: tuple[Rule, ...] = (\n", "tests/policy -k 'without_charter or on_its_own'"),
    Guard("I3 beyond budget", f"{POLICY}/domain/accounting.py", "held + more <= cap", "held <= cap", "tests/policy -k budget"),
    Guard("I3 two plans racing", f"{POLICY}/store/hot.py", "ORDER BY id FOR UPDATE", "ORDER BY id", "tests/policy/test_lane.py -k racing"),
    Guard("I6 an unapproved configuration", f"{POLICY}/domain/gate/__init__.py", "    parameters_are_in_range,\n    configuration_is_in", "    configuration_is_in", "tests/policy -k 'configuration or gate'"),
    Guard("I9 an owner's own vote", f"{POLICY}/domain/review.py", "if {vote.voter, vote.principal} & review.barred:", "if False:", "tests/policy -k 'own or themself'"),
    Guard("I9 one person counting twice", f"{POLICY}/domain/review.py", "if {vote.voter, vote.principal} & persons:", "if False:", "tests/policy -k 'counts_once or its_turn'"),
    Guard("I1 redeem twice", f"{POLICY}/domain/permit.py", 'if permit.state in {"redeemed", "settled"}:', "if False:", "tests/policy -k 'redeem'"),
    Guard("I1 redeem after expiry", f"{POLICY}/domain/permit.py", 'if permit.state == "returned" or now >= permit.expires_at:', "if False:", "tests/policy -k 'expired'"),
    Guard("I1 redemption spends", f"{POLICY}/use_cases/permits.py", "        if spends:\n", "        if spends and False:\n", "tests/policy -k 'redeem'"),
    Guard("I1 a permit is ours", f"{POLICY}/use_cases/permits.py", "    office.signer.check(request.token, permit_id=str(permit_id), plan_digest=request.plan_digest)\n", "", "tests/policy -k forged"),
    Guard("I5 only the unredeemed returns", f"{POLICY}/use_cases/permits.py", '        if row.state != "reserved":\n', "        if False:\n", "tests/policy -k never_returns"),
    Guard("I2 a release before the key", f"{POLICY}/use_cases/releases.py", '    if release.verdict != "released":\n', "    if False:\n", "tests/policy -k quarantine"),
    Guard("I2 a grant before the key", f"{POLICY}/use_cases/releases.py", "if not any(now < entry.valid_until for entry in held):", "if False:", "tests/policy -k leaves_before"),
    Guard("I4 the outbox row", "shared/mintmark_shared/journal.py", "        await connection.execute(insert(self.outbox), rows)\n", "", "tests/policy/test_release_api.py -k 'outbox_row'"),
    Guard("I4 the outbox row of a decision", f"{POLICY}/store/hot.py", "            (_OUTBOX, rows.outbox),\n", "", "tests/policy/test_release_api.py -k 'outbox_row'"),
    Guard("acceptance by the bound", f"{POLICY}/domain/release.py", "interval.upper <= criterion.at_most", "interval.value <= criterion.at_most", "tests/policy -k bound"),
    Guard("I6 an extra rule in doubt", f"{POLICY}/domain/extra_rules.py", '            return False, f"error: {_first_line(error)}"', '            return True, ""', "tests/policy/test_extra_rules.py"),
    Guard("no exception to a budget", f"{POLICY}/domain/waiver.py", "        may_be_waived(clause.code)\n", "        True\n", "tests/policy/stories -k 'glass or exception'"),
    Guard("glass takes two", f"{POLICY}/use_cases/waivers.py", "if by in {row.opened_by, row.requester}:", "if False:", "tests/policy/stories -k glass"),
    Guard("a delegate of one's own matter", f"{POLICY}/domain/review.py", "if theirs - {function}:", "if False:", "tests/policy/test_review.py"),
    Guard("no cache outruns a stop", f"{POLICY}/use_cases/rulebook.py", "book.epoch != epoch or ", "", "tests/policy/test_lane.py -k outrun"),
    Guard("no book of a failed transaction", f"{POLICY}/use_cases/decisions.py", "office.rulebook.private(connection) if alone else office.rulebook.open(connection)", "office.rulebook.open(connection)", "tests/policy/test_lane.py -k never_kept"),
    Guard("a suspended charter's permits", f"{POLICY}/use_cases/permits.py", "            await _refuse_suspended(connection, row)\n", "", "tests/policy/stories -k incident"),
    Guard("a job that cannot be given back", "shared/mintmark_shared/queue.py", "WHERE id = $1::bigint AND queue_manager_id = $2::uuid", "WHERE id = $1::bigint AND $2::uuid IS NOT NULL", "tests/shared/test_queue.py"),
    Guard("one execution per charge", f"{GENERATION}/domain/run.py", 'return run.model_sealed or run.guarantee == "none"', "return True", "tests/generation/test_run.py"),
    Guard("a replaced worker saves nothing", f"{GENERATION}/store/__init__.py", ", runs.c.attempt == run.attempt", "", "tests/generation/test_carry.py -k replaced"),
    Guard("I10 labels", f"{GENERATION}/generators/synthcity_plugin.py", 'level="none"', 'level="proven"', "tests/generation/test_generators.py -k labelled"),
    Guard("I10 claimed noise is never seeded", f"{GENERATION}/generators/synthcity_claimed.py", "secrets.randbelow(2**31)", "seed", "tests/generation/test_generators.py -k every_engine"),
    Guard("I10 counts of public pairs", f"{GENERATION}/generators/dpmm_engines.py", "np.sqrt(1 / rho)", "np.sqrt(1 / (2 * rho))", "tests/generation/test_generators.py -k costs_rho"),
    Guard("only a paid model is free", f"{POLICY}/domain/gate/__init__.py", "    model_may_be_sampled,\n    model_is_not_stopped,\n    delta", "    model_is_not_stopped,\n    delta", "tests/policy/test_models.py"),
    Guard("grounds: the ledger until then", f"{POLICY}/store/budgets.py", ".where(ledger_entries.c.at <= by if by is not None else true())", "", "tests/policy/stories/test_grounds.py"),
    Guard("grounds: the budget's size until then", f"{POLICY}/store/budgets.py", "query = query.where(budget_versions.c.set_at <= by)", "pass", "tests/policy/stories/test_grounds.py"),
    Guard("grounds: assessments until then", f"{POLICY}/use_cases/grounds.py", " and row.made_at <= at < row.valid_until", "", "tests/policy/stories/test_grounds.py"),
    Guard("grounds: what was given back is not held", f"{POLICY}/domain/accounting.py", '"return": -times', '"return": 0', "tests/policy/stories/test_grounds.py"),
    Guard("no more tables of a stopped table's model", f"{POLICY}/domain/gate/__init__.py", "    model_is_not_stopped,\n    delta", "    delta", "tests/policy/test_models.py -k stopped"),
    Guard("nor by a permit given before", f"{POLICY}/use_cases/permits.py", "if (stop := await stop_of(connection, model)) is not None:", "if (stop := None) is not None:", "tests/policy/test_models.py -k 'stopped or goes_with'"),
    Guard("I1 sampling again opens no source", f"{POLICY}/use_cases/permits.py", "        if model is not None:\n", "        if False:\n", "tests/policy/test_models.py"),
    Guard("nobody is singled out", f"{GENERATION}/use_cases/shapes.py", "if len(quasi) > 1 and quasi <= pinned:", "if False:", "tests/generation/test_shaping.py"),
    Guard("one plan breaks its own batch alone", f"{POLICY}/use_cases/decisions.py", "        if len(asks) == 1:\n            return [error]\n", "        return [error] * len(asks)\n", "tests/policy/test_lane.py -k breaks_nobody"),
    Guard("an upload is checked whole before a byte is kept", f"{GENERATION}/use_cases/sources.py", "    await run_in_threadpool(_check, upload)\n", "", "tests/generation/intake -k 'one_unit or partitions'"),
    Guard("a compressed buffer asks for no memory", f"{GENERATION}/use_cases/intake.py", "    if message.type in {", "    if False and message.type in {", "tests/generation/intake -k unreadable"),
    Guard("a dictionary says little many times", f"{GENERATION}/use_cases/intake.py", "            if longest * len(column) > limits.table_bytes:", "            if False:", "tests/generation/intake -k spelt"),
    Guard("no disk in clear while waiting", "shared/mintmark_shared/spool.py", "        sealed = self._cipher.encrypt(self._nonce(self._frames), plain, None)\n", "        sealed = plain + bytes(TAG_BYTES)\n", "tests/shared/test_spool.py -k word"),
    Guard("a forest knows its categories", f"{GENERATION}/generators/synthcity_arf.py", "if name in declared or name in guessed", "if name in guessed", "tests/generation/test_generators.py -k forest"),
    Guard("I8 a refusal quotes nothing", "shared/mintmark_shared/web.py", '"message": item["msg"]', '"message": str(item)', "tests/policy -k quotes"),
    Guard("I8 a message in a log", "shared/mintmark_shared/telemetry.py", '"type": type(error).__qualname__,', '"type": repr(error),', "tests/shared -k log_line"),
    Guard("custody: an object's own name", "shared/mintmark_shared/custody.py", "info=name.encode()", 'info=b""', "tests/shared -k 'key_of_its_own'"),
    Guard("a log proof's leaf", "client/mintmark/audit.py", "    if value != head.root:\n", "    if False:\n", "tests/lineage/test_log.py"),
    Guard("I10 real rows under no guarantee", f"{POLICY}/domain/gate/charter_rules.py", ' and facts.offered_guarantee == "none"', "", "tests/policy/test_gate.py -k real_rows"),
    Guard("real rows by vote alone", f"{POLICY}/use_cases/releases.py", 'reviewed=kind != "release" or kind in charter.reviews', "reviewed=kind in charter.reviews", "tests/policy/test_release_api.py -k real_rows"),
    Guard("I10 a blend's label", f"{GENERATION}/use_cases/plans.py", "earned_when_blended(declaration) if blended else guarantee", "guarantee", "tests/generation/test_carry.py -k blend"),
    Guard("I10 rows left out before a private mechanism", f"{GENERATION}/use_cases/orders.py", 'if guarantee.level != "none":', "if False:", "tests/generation/test_suppression.py -k refused"),
    Guard("no group torn by suppression", f"{GENERATION}/generators/suppression.py", "if left.can_spare(row):", "if True:", "tests/generation/test_suppression.py -k exactly"),
    Guard("I3 a search beyond its ε", f"{GENERATION}/domain/search.py", "if spent(trials) + cheapest > epsilon:", "if False:", "tests/generation/test_search.py -k 'one_thing or money'"),
    Guard("nobody pays for a cluster that is away", f"{GENERATION}/use_cases/runs.py", "    await works.ready()\n", "", "tests/generation/test_carry.py -k nothing_can_be_run"),
    Guard("a job is sealed to its courier", f"{GENERATION}/use_cases/ray_children.py", "AESGCM(key).encrypt(nonce, json.dumps(job).encode(), mine)", "json.dumps(job).encode()", "tests/generation/test_ray.py -k alone"),
    Guard("risks are beyond people held out", "services/evaluation/mintmark_evaluation/measures/attributes.py", "newcombe(right, n, baseline, n, confidence)", "newcombe(right, n, 0, n, confidence)", "tests/evaluation/test_truth.py -k nothing"),
    Guard("names stay text on a page", "services/evaluation/mintmark_evaluation/api/report.py", "autoescape=select_autoescape(default=True, default_for_string=True)", "autoescape=False", "tests/evaluation/test_report.py -k runs_nothing"),
    Guard("a finding is of a released asset", f"{POLICY}/use_cases/findings.py", '.verdict != "released":', '.verdict == "nothing":', "tests/policy/test_findings.py -k only_a_released"),
    Guard("I6 no vote in time stops the asset", f"{POLICY}/use_cases/findings.py", "    if not stands:\n", '    if state == "rejected":\n', "tests/policy/test_findings.py -k in_time"),
    Guard("a share is overwritten where it lies", f"{POLICY}/use_cases/keyring.py", "self._write(self._path(key_id), os.urandom(KEY_BYTES), 0)", "self._path(key_id).stat()", "tests/policy/test_destruction.py -k written_once"),
    Guard("the wrapped form does not open alone", f"{POLICY}/use_cases/keyring.py", "        if not share:\n", "        if share or not share:\n", "tests/policy/test_destruction.py -k nothing_that_is_left"),
    Guard("no certificate while a key opens", f"{POLICY}/use_cases/destruction.py", "if await is_recoverable(office.keyring, _what_stays(row)):", "if False:", "tests/policy/test_destruction.py -k gets_no_certificate"),
    Guard("final only without backups", f"{POLICY}/use_cases/destruction.py", "gone.backups_until, now)", "now, now)", "tests/policy/test_destruction.py -k certificate_is_final"),
    Guard("another vault is no destruction", f"{POLICY}/use_cases/destruction.py", "    elif row.overwritten_at is None:\n        return False\n", "", "tests/policy/test_destruction.py -k another_vault"),
    Guard("a key without a share is never final", f"{POLICY}/use_cases/destruction.py", "        if gone.shared:\n", "        if True:\n", "tests/policy/test_destruction.py -k before_there_were_shares"),
    Guard("a key without its share is a fault", f"{POLICY}/use_cases/keyring.py", 'raise Unavailable("A key that was never', 'raise Gone("A key that was never', "tests/policy/test_destruction.py -k lacks_its_share"),
    Guard("I1 a permit opens its own source alone", f"{POLICY}/use_cases/permits.py", 'if not key.resource.startswith((f"{source}:", "register:")):', "if False:", "tests/policy/test_findings.py -k keys_open_again"),
    Guard("a re-assay is of a released asset", f"{POLICY}/use_cases/permits.py", '    elif (await store.release_of(request.asset_id)).verdict != "released":', '    elif (await store.release_of(request.asset_id)).verdict == "nothing":', "tests/policy/test_findings.py -k not_opened_again"),
    Guard("drift by the lower bound", f"{EVALUATION}/use_cases/monitors.py", "one.lower > float(limits[one.metric])\n    ]", "one.value > float(limits[one.metric])\n    ]", "tests/evaluation/test_drift.py -k cries_for_nothing"),
    Guard("later looks are stricter", f"{EVALUATION}/domain.py", "(pi * number) ** 2", "pi**2", "tests/evaluation/test_drift.py -k levels"),
    Guard("a breach is told until it is heard", f"{EVALUATION}/use_cases/monitors.py", "    await _tell(lab, row)\n", "", "tests/evaluation/test_after_release.py -k told_once"),
    Guard("a register is none to learn from", f"{EVALUATION}/use_cases/reassays.py", "if not held.declaration.for_linkage:", "if False:", "tests/evaluation/test_after_release.py -k no_register"),
    Guard("condemned by the bound", f"{EVALUATION}/use_cases/audits.py", "if estimate.lower > float(request.epsilon)", "if estimate.value < float(request.epsilon)", "tests/evaluation/test_after_release.py -k claim"),
    Guard("only the house speaks of assets", f"{LINEAGE}/domain/projection.py", "            if vouched:\n                _outcome", "            if True:\n                _outcome", "tests/lineage/test_impact.py -k only_the_house"),
    Guard("a record of vouched events", f"{LINEAGE}/store/events.py", "events.c.parent_run_id == run_id), events.c.vouched)", "events.c.parent_run_id == run_id))", "tests/lineage/test_impact.py -k only_the_house"),
    Guard("a stranger's word does not stop the house's", f"{LINEAGE}/use_cases/events.py", 'f"heard {json.dumps(event, sort_keys=True)}"', "json.dumps(event, sort_keys=True)", "tests/lineage/test_impact.py -k only_the_house"),
    Guard("the log's door is the house's", f"{LINEAGE}/api/log.py", "_: Caller = DELIVER", '_: Caller = requires("lineage:events:write")', "tests/lineage/test_impact.py -k only_the_house"),
    Guard("a change is announced once", f"{LINEAGE}/store/impact.py", "query.limit(1).with_for_update(skip_locked=True)", "query.limit(1)", "tests/lineage/test_impact.py -k told_once"),
    Guard("each owner hears of their own models", f"{LINEAGE}/use_cases/impact.py", "own = [row for row in versions if row.owner == webhook.owner]", "own = list(versions)", "tests/lineage/test_impact.py -k both_owners"),
    Guard("a late model's owner is told", f"{LINEAGE}/use_cases/models.py", "    await tell_late(connection, archive, model, training.version, now)\n", "", "tests/lineage/test_impact.py -k after_the_withdrawal"),
    Guard("a delivery outlives its process", f"{LINEAGE}/store/webhooks.py", "attempts=deliveries.c.attempts + 1, due_at=again_at", "attempts=deliveries.c.attempts + 1, due_at=again_at, delivered_at=again_at", "tests/lineage/test_impact.py -k dies"),
    Guard("a failed delivery is tried again", f"{LINEAGE}/use_cases/webhooks.py", "elif row.attempts >= MOST_ATTEMPTS:", "else:\n        await _settle(archive, row, 'given-up', given_up_at=now, answer=str(failure))\n    if False:", "tests/lineage/test_impact.py -k downtime"),
    Guard("a training and an announcement do not miss each other", f"{LINEAGE}/use_cases/impact.py", "        await store.wait_for_trainings()\n", "", "tests/lineage/test_impact.py -k while_it_is_withdrawn"),
    Guard("the log comes last in a transaction", f"{LINEAGE}/use_cases/registries.py", "        if heard.version is not None:\n", "        await record_acts(connection, acts, now)\n        acts = []\n        if heard.version is not None:\n", "tests/lineage/test_registries.py -k ring"),
    Guard("no webhook leads inside", f"{LINEAGE}/domain/webhooks.py", "(public and found.is_global and not found.is_multicast)", "public", "tests/lineage/test_impact.py -k leads_inside"),
    Guard("every address of a name is checked", f"{LINEAGE}/use_cases/webhooks.py", "not all(may_be_called(address, self.networks, public=secure) for address in found)", "not may_be_called(found[0], self.networks, public=secure)", "tests/lineage/test_impact.py -k leads_inside"),
    Guard("the address checked is the one called", f"{LINEAGE}/use_cases/webhooks.py", "parsed.copy_with(host=address)", "parsed", "tests/lineage/test_impact.py -k one_called"),
    Guard("both secrets sign for a day", f"{LINEAGE}/domain/webhooks.py", "([generation, generation - 1] if both else [generation])", "[generation]", "tests/lineage/test_impact.py -k rotation"),
    Guard("no secret is kept", f"{LINEAGE}/use_cases/webhooks.py", "Reply(201, show(row)))", "Reply(201, show(row) | {'secret': secret(archive, row.id, 1)}))", "tests/lineage/test_impact.py -k no_secret"),
    Guard("a registry signs", f"{LINEAGE}/domain/mlflow.py", 'return hmac.compare_digest(given.encode(), b"v1," + base64.b64encode(made))', "return bool(made)", "tests/lineage/test_registries.py -k own_fresh"),
    Guard("a registry's old words do not count", f"{LINEAGE}/api/registries.py", "if not signed or not is_fresh(timestamp, archive.clock()):", "if not signed:", "tests/lineage/test_registries.py -k own_fresh"),
    Guard("figures do not change", f"{LINEAGE}/use_cases/models.py", "        if changed:\n", "        if False:\n", "tests/lineage/test_models.py -k figures_are_kept"),
    Guard("a model is its owner's", f"{LINEAGE}/use_cases/models.py", "            if found.owner != by:\n", "            if False:\n", "tests/lineage/test_models.py -k hands_a_model"),
    Guard("a withdrawn asset is not read", f"{POLICY}/use_cases/releases.py", "if (withdrawn := await store.withdrawal(asset_id)) is not None:", "if (withdrawn := await store.withdrawal(asset_id)) is not None and False:", "tests/policy/stories/test_recalls.py -k read_no_more"),
    Guard("a substitute is fit to be one", f"{POLICY}/use_cases/recalls.py", "    if await store.withdrawal(substitute) is not None or", "    if", "tests/policy/stories/test_recalls.py -k ring"),
    Guard("a substitute is looked at again at the vote", f"{POLICY}/use_cases/recalls.py", "    except Invalid:\n        return None\n", "    except Invalid:\n        return UUID(named)\n", "tests/policy/stories/test_recalls.py -k stands_in"),
    Guard("why one person stopped it is not told", f"{POLICY}/use_cases/recalls.py", 'changed(asset_id, now, "suspended")', 'changed(asset_id, now, "suspended", because=reason)', "tests/policy/stories/test_recalls.py -k every_stop"),
    Guard("nothing undisclosed is published", f"{LINEAGE}/domain/cards.py", '"summary" if said == "summary" else "none"', '"summary" if said != "none" else "none"', "tests/lineage/test_cards.py -k not_disclosed"),
    Guard("undisclosed cards are not read", f"{LINEAGE}/store/cards.py", "select(cards).where(cards.c.asset_id == asset_id, cards.c.level != UNDISCLOSED)", "select(cards).where(cards.c.asset_id == asset_id)", "tests/lineage/test_cards.py -k not_disclosed"),
    Guard("no figure of few is published", f"{LINEAGE}/domain/cards.py", 'if one["n"] < SMALLEST_COUNT', "if False", "tests/lineage/test_cards.py -k few"),
    Guard("small totals are not told", f"{LINEAGE}/use_cases/cards.py", "return count if count == 0 or count >= SMALLEST_PUBLIC_COUNT else None", "return count", "tests/lineage/test_cards.py -k counts_of_few"),
    Guard("nobody is named in public", f"{LINEAGE}/domain/cards.py", '"curator": told.curator,\n        "title": charter["title"],\n        "purpose"', '"curator": charter["owner"],\n        "title": charter["title"],\n        "purpose"', "tests/lineage/test_cards.py -k nobody_is_named"),
    Guard("public text stays text", f"{LINEAGE}/api/public.py", "autoescape=select_autoescape(default=True, default_for_string=True)", "autoescape=False", "tests/lineage/test_cards.py -k runs_nothing"),
    Guard("strangers are bounded", f"{LINEAGE}/use_cases/cards.py", "    throttle.take()\n", "", "tests/lineage/test_cards.py -k bounded"),
    Guard("a witness that saw another size is met there", f"{LINEAGE}/use_cases/posts.py", "if answer.status_code == CONFLICT and", "if False and", "tests/lineage/test_goes_out.py -k met_there"),
    Guard("a cosignature is checked", f"{LINEAGE}/domain/notes.py", "            self.key.verify(signature, cosigned(note, int.from_bytes(stamp)))\n", "", "tests/lineage/test_goes_out.py -k cosigns"),
    Guard("a store written once", f"{LINEAGE}/use_cases/posts.py", 'mode="create"', 'mode="overwrite"', "tests/lineage/test_goes_out.py -k overwritten"),
    Guard("nothing is passed over that commits late", f"{LINEAGE}/store/places.py", "and_(beyond(place), events.c.written_in < _SETTLED)", "beyond(place)", "tests/lineage/test_forwards.py tests/lineage/test_series.py -k late"),
    Guard("one at a time counts events", f"{LINEAGE}/store/counts.py", ".with_for_update()", "", "tests/lineage/test_series.py -k 'counts_once'"),
    Guard("of decisions only the house is counted", f"{LINEAGE}/domain/series.py", "    if not vouched:\n        return found\n", "", "tests/lineage/test_series.py -k 'what_others_say'"),
    Guard("no event is changed by its month's name", f"{LINEAGE}/migrations/versions/0004_months_and_counts.py", """    EXECUTE format('{NEVER_CHANGED.format("months.%I")}', month);\n""", "", "tests/lineage/test_series.py -k changed_under"),
    Guard("a month that was told of already stops nothing", f"{LINEAGE}/migrations/versions/0004_months_and_counts.py", "\n       OR EXISTS (SELECT FROM months.others WHERE event_time >= begins AND event_time < ends)", "", "tests/lineage/test_series.py -k lie_with"),
    Guard("what is not counted yet is counted along", f"{LINEAGE}/store/counts.py", "parts = (_between(since, whole), fresh, _between(last, until))", "parts = (_between(since, whole), _between(last, until))", "tests/lineage/test_series.py -k exact"),
    Guard("an entry fits its tile", f"{LINEAGE}/api/words.py", "    if len(content) > LONGEST_LEAF:", "    if False:", "tests/lineage/test_api.py -k no_tile"),
    Guard("a record names every entry", f"{LINEAGE}/store/log.py", "about.order_by(leaves.c.position)", "about.order_by(leaves.c.position).limit(PAGE)", "tests/lineage/test_api.py -k every_entry"),
    Guard("the next page answers the same question", "shared/mintmark_shared/web.py", "self._url.include_query_params", "self._url.replace_query_params", "tests/lineage/test_api.py -k every_entry"),
    Guard("the later event has the last word", f"{LINEAGE}/store/catalogue.py", "    later = new.updated_at >= old.updated_at\n", "    later = new.updated_at.is_not(None)\n", "tests/lineage/test_marquez.py -k turn_time_back"),
    Guard("no leaf names anybody", "shared/mintmark_shared/leaves.py", "            return _SAFE.fullmatch(value) is not None", "            return True", "tests/client/test_verifying.py -k name_somebody"),
    Guard("no subject names anybody", "shared/mintmark_shared/leaves.py", "    if not (isinstance(subject, Word) or is_of_ids(subject)):", "    if False:", "tests/client/test_verifying.py -k name_somebody"),
    Guard("a review's subject with a name stays out of the log", f"{POLICY}/use_cases/reviews.py", '{"subject": row.subject} if is_of_ids(row.subject) else {}', '{"subject": Word(row.subject)}', "tests/attacks/test_names_in_the_log.py -k of_policy"),
    Guard("what is shown is what was logged", "client/mintmark/evidence/bundle.py", "        if held is False:", "        if False:", "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("no vote or assessment is left out", "client/mintmark/evidence/bundle.py", "            elif self.seals(entry, what, None) is not None:", "            elif False:", "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("no event is left out", "client/mintmark/evidence/checks/telling.py", "    if told - set(digests) or len(set(digests)) != len(digests):", "    if False:", "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("the record is what the events say", "client/mintmark/evidence/checks/telling.py", '    if not same(shown, compose_record(bundle.asset, told) | {"log_entries": entries}):', "    if False:", "tests/attacks/test_forged_bundles.py -k every_value"),
    Guard("a certificate stands in the log", "client/mintmark/evidence/checks/acts.py", "        if number is None:", "        if False:", "tests/attacks/test_forged_bundles.py -k every_value"),
    Guard("evidence binds plan and log", "client/mintmark/evidence/checks/acts.py", '    bundle.compare(entry, "request", shown, ("request.json",))\n', '    bundle.prove(("request.json",))\n', "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("evidence is listed and signed", "client/mintmark/evidence/checks/frame.py", "        if listed[name] != expected:", "        if False:", "tests/attacks/test_forged_bundles.py -k manifest_lists"),
    Guard("a zip holds each member once", "client/mintmark/evidence/packed.py", "        if member.name in found:", "        if False:", "tests/attacks/test_forged_bundles.py -k two_readings"),
    Guard("nothing stands before a zip's members", "client/mintmark/evidence/packed.py", "        if member.start != place:", "        if False:", "tests/attacks/test_forged_bundles.py -k two_readings"),
    Guard("a document has one reading", "client/mintmark/evidence/documents.py", "        if _depth(document) > DEEPEST or written(document) != content:", "        if False:", "tests/attacks/test_forged_bundles.py -k two_readings"),
    Guard("nothing of a bundle reaches the terminal raw", "client/mintmark/cli/console.py", 'return letter == " " or unicodedata.category(letter)[0] not in {"C", "Z"}', "return True", "tests/client/test_verifying.py -k obeys_no_terminal"),
    Guard("no proofs are no success", "client/mintmark/audit.py", "    if not isinstance(given, list) or not given:", "    if not isinstance(given, list):", "tests/client/test_verifying.py -k nothing_is_proven"),
    Guard("a false line of the log's key refuses the note", "client/mintmark/audit.py", '            verifier.check(signature[4:], body.encode(), "the checkpoint\'s signature is not by this key")\n', "", "tests/client/test_verifying.py -k not_proven"),
    Guard("lineage asks for nobody who may not ask", f"{LINEAGE}/api/words.py", 'EVIDENCE = requires("lineage:evidence:read")', 'EVIDENCE = requires("lineage:read")', "tests/attacks/test_confused_deputy.py -k asks_for_nobody"),
    Guard("salts are of one asset's leaves", f"{POLICY}/store/salts.py", ", subject.in_(subjects)", "", "tests/attacks/test_confused_deputy.py -k alone"),
)  # fmt: skip


def run_tests(tree: Path, tests: str) -> bool:
    """Whether the tests pass on this tree."""
    path = ":".join(str(tree / house) for house in HOUSES)
    command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {tests}"
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, shell=True, cwd=tree, env=environment, capture_output=True).returncode == 0


def copied(folder: Path) -> Path:
    tree = folder / "tree"
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in ("services", "shared", "client", "deploy", "tests", "openapi"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def main() -> None:
    """All guards, or those whose names hold one of the words given."""
    idle: list[str] = []
    chosen = [one for one in GUARDS if not sys.argv[1:] or any(word in one.invariant for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for entry in chosen:
            file = tree / entry.file
            whole = file.read_text()
            assert whole.count(entry.guard) == 1, (
                f"{entry.invariant}: the guard stands {whole.count(entry.guard)} times in {entry.file}"
            )
            green = run_tests(tree, entry.tests)
            file.write_text(whole.replace(entry.guard, entry.instead))
            noticed = green and not run_tests(tree, entry.tests)
            file.write_text(whole)
            print(f"{'noticed' if noticed else 'NOT NOTICED' if green else 'NOT GREEN'}  {entry.invariant}", flush=True)
            if not noticed:
                idle.append(entry.invariant)
    print(f"{len(chosen) - len(idle)} passed, {len(idle)} failed")
    sys.exit(bool(idle))


if __name__ == "__main__":
    main()
