"""``make guards``: take each guard of the invariants away in a copy of the tree, and see a test fail.

A guard whose removal no test notices would be a promise nobody keeps. Each entry names the file, the
text taken out, what stands there instead, and the tests that must go red; first all of them must be green.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, Queue

ROOT = Path(__file__).parents[1]
HOUSES = (
    "services/policy",
    "services/generation",
    "services/evaluation",
    "services/lineage",
    "services/console",
    "shared",
    "client",
    "deploy/local",
)
PASSED, NOTHING_FOUND = 0, 5  # pytest's exit codes
PROCESSORS = os.cpu_count() or 1
POLICY, GENERATION = "services/policy/moneyer_policy", "services/generation/moneyer_generation"
CONSOLE = "services/console/moneyer_console"
EVALUATION, LINEAGE = "services/evaluation/moneyer_evaluation", "services/lineage/moneyer_lineage"


@dataclass(frozen=True)
class Guard:
    """One protection and who notices its loss."""

    invariant: str
    file: str
    guard: str
    instead: str
    tests: str


GUARDS = (
    Guard("I6 a plan without charter", f"{POLICY}/gate/rules/gate/__init__.py", "GATE: tuple[Rule, ...] = (\n    charter_is_in_force,\n", "GATE: tuple[Rule, ...] = (\n", "tests/policy -k 'without_charter or on_its_own'"),
    Guard("I3 beyond budget", f"{POLICY}/budgets/rules/accounting/account.py", "return cost.renyi[self._here] <= self._room and", "return self._room >= 0 and", "tests/policy -k budget"),
    Guard("I3 two plans racing", f"{POLICY}/gate/store/hot.py", "ORDER BY id FOR UPDATE", "ORDER BY id", "tests/policy/test_group_commit.py -k racing"),
    Guard("I6 an unapproved configuration", f"{POLICY}/gate/rules/gate/__init__.py", "    parameters_are_in_range,\n    configuration_is_in", "    configuration_is_in", "tests/policy -k 'configuration or gate'"),
    Guard("I9 an owner's own vote", f"{POLICY}/reviews/rules/review.py", "if {vote.voter, vote.principal} & _kept_from(review, vote.verdict):", "if False:", "tests/policy -k 'own or themself'"),
    Guard("I9 one person counting twice", f"{POLICY}/reviews/rules/review.py", "if {vote.voter, vote.principal} & persons:", "if False:", "tests/policy -k 'counts_once or its_turn'"),
    Guard("I1 redeem twice", f"{POLICY}/gate/rules/permit.py", 'if permit.state in {"redeemed", "settled"}:', "if False:", "tests/policy -k 'redeem'"),
    Guard("I1 redeem after expiry", f"{POLICY}/gate/rules/permit.py", 'if permit.state == "returned" or now >= permit.expires_at:', "if False:", "tests/policy -k 'expired'"),
    Guard("I1 redemption spends", f"{POLICY}/assets/use_cases/permits.py", "    if check_redemption(as_permit(row), plan_digest=asked.plan_digest, redemption_key=redemption_key, now=now):\n", "    if check_redemption(as_permit(row), plan_digest=asked.plan_digest, redemption_key=redemption_key, now=now) and False:\n", "tests/policy -k 'redeem'"),
    Guard("I1 a permit is ours", f"{POLICY}/assets/use_cases/permits.py", "    work.dependencies.signer.check(asked.token, permit_id=str(permit_id), plan_digest=asked.plan_digest)\n", "", "tests/policy -k forged"),
    Guard("I5 only the unredeemed returns", f"{POLICY}/assets/use_cases/permits.py", '    if row.state != "reserved":\n', "    if False:\n", "tests/policy -k never_returns"),
    Guard("I2 a release before the key", f"{POLICY}/assets/rules/standing.py", '        if self.verdict != "released":\n            raise Forbidden', "        if False:\n            raise Forbidden", "tests/policy -k quarantine"),
    Guard("I2 a grant before the key", f"{POLICY}/assets/use_cases/grants.py", "    if not held:\n        raise", "    if False:\n        raise", "tests/policy -k leaves_before"),
    Guard("I4 the outbox row", "shared/moneyer_shared/journal.py", "        await connection.execute(insert(self.outbox), rows)\n", "", "tests/policy/test_release_api.py -k 'outbox_row'"),
    Guard("I4 the outbox row of a decision", f"{POLICY}/gate/store/hot.py", "            (_OUTBOX, rows.outbox),\n", "", "tests/policy/test_release_api.py -k 'outbox_row'"),
    Guard("acceptance by the bound", f"{POLICY}/assets/rules/release.py", "interval.upper <= criterion.at_most", "interval.value <= criterion.at_most", "tests/policy -k bound"),
    Guard("I6 an extra rule in doubt", f"{POLICY}/charters/rules/extra_rules.py", '            return False, f"error: {_first_line(error)}"', '            return True, ""', "tests/policy/test_extra_rules.py"),
    Guard("no exception to a budget", f"{POLICY}/gate/rules/waiver.py", " if why_never(clause.code, closed) is None else None", "", "tests/policy/stories -k 'glass or exception'"),
    Guard("glass takes two", f"{POLICY}/gate/use_cases/waivers.py", "if work.by in {glass.opened_by, glass.requester} | interests.barred | interests.named:", "if False:", "tests/policy/stories -k glass"),
    Guard("a delegate of one's own matter", f"{POLICY}/reviews/rules/review.py", "if theirs - {function}:", "if False:", "tests/policy/test_review.py"),
    Guard("no cache outruns a stop", f"{POLICY}/gate/use_cases/rulebook.py", "kept.epoch != epoch or ", "", "tests/policy/test_group_commit.py -k outrun"),
    Guard("a suspended charter's permits", f"{POLICY}/assets/use_cases/stops.py", "        *await _of_charter(connection, request.plan.charter_id),\n", "", "tests/policy/stories -k incident"),
    Guard("a job that cannot be given back", "shared/moneyer_shared/queue.py", "WHERE id = $1::bigint AND queue_manager_id = $2::uuid", "WHERE id = $1::bigint AND $2::uuid IS NOT NULL", "tests/shared/test_queue.py"),
    Guard("one execution per charge", f"{GENERATION}/rules/run.py", 'return run.model_sealed or run.guarantee == "none"', "return True", "tests/generation/test_run.py"),
    Guard("a replaced worker saves nothing", f"{GENERATION}/store/runs.py", ", runs.c.holder == run.holder", "", "tests/generation/test_carry.py -k replaced"),
    Guard("I10 labels", f"{GENERATION}/generators/synthcity_plugin.py", 'level="none"', 'level="proven"', "tests/generation/test_generators.py -k labelled"),
    Guard("I10 nothing is proven over a domain read from the rows", f"{GENERATION}/use_cases/plans.py", "earned_over(declaration, engine.guarantee(declaration, completed.parameters))", 'earned_over(declaration.plain.model_copy(update={"columns": []}), engine.guarantee(declaration, completed.parameters))', "tests/generation/test_origins.py -k offered"),
    Guard("I10 nor at the gate", f"{POLICY}/gate/rules/gate/__init__.py", "    guarantee_is_sufficient,\n    domain_is_public,\n", "    guarantee_is_sufficient,\n", "tests/policy/test_gate.py -k 'rule or every'"),
    Guard("I10 only measuring says that a domain was measured", f"{GENERATION}/use_cases/sources.py", "    await measured_before(work, declaration)\n", "", "tests/generation/test_origins.py tests/generation/test_measuring.py -k 'nobody or forged'"),
    Guard("I10 a measured domain is exactly what was measured", f"{GENERATION}/use_cases/measurements.py", "return found is not None and _values(found) == _values(column.domain)", "return found is not None", "tests/generation/test_measuring.py -k forged"),
    Guard("I10 a measurement is of this population", f"{GENERATION}/use_cases/measurements.py", "if run.offer.population_id != population_id:", "if False:", "tests/generation/test_measuring.py -k forged"),
    Guard("I10 a measurement that ended well", f"{GENERATION}/use_cases/measurements.py", "if run.state != MEASURED or run.measured", "if run.measured", "tests/generation/test_measuring.py -k end_well"),
    Guard("I10 one unit's share of counts", f"{GENERATION}/generators/domain_discovery.py", 'return pairs["value"].to_numpy()[(place.reindex(pairs.index) < most).to_numpy()]', 'return pairs["value"].to_numpy()', "tests/generation/test_domain_discovery.py -k one_unit"),
    Guard("I10 a label of one unit alone", f"{GENERATION}/generators/domain_discovery.py", "return 1 + _beyond(sigma, delta / most)", "return 1 + _beyond(sigma, delta * most) // 2", "tests/generation/test_domain_discovery.py -k label_of_one_unit"),
    Guard("I10 noise for all columns together", f"{GENERATION}/generators/domain_discovery.py", "* rows**2 / len(columns)", "* rows**2", "tests/generation/test_domain_discovery.py -k share"),
    Guard("I3 a threshold's δ is charged", f"{POLICY}/budgets/rules/accounting/mechanisms.py", 'if kind == "approximate-zcdp" else 0)', "if False else 0)", "tests/policy/test_measuring.py"),
    Guard("I10 a label spends no δ twice", f"{POLICY}/gate/use_cases/gate_input.py", "converted = (delta or Decimal(0)) - Decimal(in_words(cost.delta))", "converted = delta or Decimal(0)", "tests/policy/test_measuring.py -k twice"),
    Guard("a measurement is no asset", f"{POLICY}/gate/rules/permit.py", '{"failed", "cancelled", "measured"}', '{"failed", "cancelled"}', "tests/policy/test_measuring.py -k look"),
    Guard("nothing else learns before it is measured", f"{GENERATION}/generators/protocol.py", 'if unmeasured and engine.needs != "unmeasured":', "if False:", "tests/generation/test_domain_discovery.py -k until_it_is"),
    Guard("a measured domain is not everybody's", f"{GENERATION}/use_cases/measurements.py", '    check_own(owner, work.by, "The source of this measurement", run.requester)\n', "", "tests/generation/test_measuring.py -k owners_alone"),
    Guard("I10 a domain is as public as the less public of its ends", "shared/moneyer_shared/drafting/columns.py", "max((low, high), key=", "min((low, high), key=", "tests/shared/test_drafting.py -k less_public"),
    Guard("I10 what is read from the rows is marked", "shared/moneyer_shared/drafting/columns.py", 'return Found(_listed(seen.categories), "data", reference, because)', 'return Found(_listed(seen.categories), "dictionary", reference, because)', "tests/shared/test_drafting.py -k 'marked or standard'"),
    Guard("I8 missing values are not looked up for a draft", "shared/moneyer_shared/drafting/columns.py", 'return True if "nullable" in told.answers else told.documented.nullable is not False', 'return bool(told.rows and told.rows.ends.get(told.name, ("0",))[0] != "0")', "tests/shared/test_drafting.py -k missing"),
    Guard("I8 bounds read from the rows are round", "shared/moneyer_shared/drafting/rows.py", "    low, high = ROUNDED[kind](*ends) if ends", "    low, high = ends if ends", "tests/shared/test_drafting.py -k unmarked"),
    Guard("I8 the door for drafts takes no rows", f"{GENERATION}/use_cases/drafts.py", "    if is_table(given) and not codebook.fits(given):", "    if False:", "tests/generation/test_drafts_api.py -k no_rows"),
    Guard("I8 a table headed as a codebook is rows", "client/moneyer/cli/drafts.py", 'rows = is_table(Given(_name(place), b""))', 'rows = is_table(Given(_name(place), b"")) and b"label" not in Path(place).read_bytes()[:99]', "tests/client/test_drafts.py -k taken_for_rows"),
    Guard("no URL of a draft leads inside", "client/moneyer/fetching.py", "not all(may_be_called(address, (), public=True) for address in found)", "not found", "tests/client/test_drafts.py -k leads_inside"),
    Guard("a URL of a draft is of https", "client/moneyer/fetching.py", 'parsed.scheme != "https" or ', "", "tests/client/test_drafts.py -k leads_inside"),
    Guard("I10 claimed noise is never seeded", f"{GENERATION}/generators/synthcity_claimed.py", "        with fresh_entropy():\n            return super().fit(table, declaration, parameters, None, report)", "        return super().fit(table, declaration, parameters, seed, report)", "tests/generation/test_generators.py -k every_engine"),
    Guard("I10 counts of public pairs", f"{GENERATION}/generators/dpmm_engines.py", "np.sqrt(1 / rho)", "np.sqrt(1 / (2 * rho))", "tests/generation/test_generators.py -k costs_rho"),
    Guard("only a paid model is free", f"{POLICY}/gate/rules/gate/__init__.py", "    model_may_be_sampled,\n    model_is_not_stopped,\n    delta", "    model_is_not_stopped,\n    delta", "tests/policy/test_models.py"),
    Guard("provenance: the ledger until then", f"{POLICY}/budgets/store/budgets.py", ".where(ledger_entries.c.at <= by if by is not None else true())", "", "tests/policy/stories/test_provenance.py"),
    Guard("provenance: the budget's size until then", f"{POLICY}/budgets/store/budgets.py", "query = query.where(budget_versions.c.set_at <= by)", "pass", "tests/policy/stories/test_provenance.py"),
    Guard("provenance: assessments until then", f"{POLICY}/assets/use_cases/provenance.py", " if row.made_at <= at]", "]", "tests/policy/stories/test_provenance.py"),
    Guard("provenance: what was given back is not held", f"{POLICY}/budgets/rules/accounting/account.py", '"return": -times', '"return": 0', "tests/policy/stories/test_provenance.py"),
    Guard("no more tables of a stopped table's model", f"{POLICY}/gate/rules/gate/__init__.py", "    model_is_not_stopped,\n    delta", "    delta", "tests/policy/test_models.py -k stopped"),
    Guard("what is stopped stands in for nothing", f"{POLICY}/assets/use_cases/lifecycle.py", "    for stop in await stops.of_asset(work.connection, substitute, work.now):\n", "    for stop in await stops.of_run(work.connection, substitute, work.now, released=True):\n", "tests/policy/stories/test_lifecycle.py -k fit"),
    Guard("nor by a permit given before", f"{POLICY}/assets/use_cases/stops.py", "    return await _of_table(connection, subject)\n", "    return []\n", "tests/policy/test_models.py -k 'stopped or goes_with'"),
    Guard("I1 sampling again opens no source", f"{POLICY}/assets/use_cases/permits.py", "learnt_from = row.source_key_id if model is None else kept", "learnt_from = row.source_key_id", "tests/policy/test_models.py"),
    Guard("nobody is singled out", f"{GENERATION}/planning/shapes.py", "if len(quasi) > 1 and quasi <= pinned:", "if False:", "tests/generation/test_shaping.py"),
    Guard("one plan breaks its own batch alone", f"{POLICY}/gate/use_cases/decisions.py", "        if len(asks) == 1:\n            return [error]\n", "        return [error] * len(asks)\n", "tests/policy/test_group_commit.py -k breaks_nobody"),
    Guard("an upload is checked whole before a byte is kept", f"{GENERATION}/use_cases/sources.py", "    check_fits(report)\n", "", "tests/generation/intake -k 'one_unit or partitions'"),
    Guard("I13 a zone is refused", "shared/moneyer_shared/intake/meanings.py", "(PhysicalType.MOMENT, lambda kind: pa.types.is_timestamp(kind) and kind.tz is None)", "(PhysicalType.MOMENT, lambda kind: pa.types.is_timestamp(kind))", "tests/shared/intake -k zone_is_refused"),
    Guard("I13 INT96 is read in milliseconds", "shared/moneyer_shared/intake/parquet.py", ', coerce_int96_timestamp_unit="ms"', "", "tests/shared/intake -k int96"),
    Guard("I13 a quote that is never closed", "shared/moneyer_shared/intake/csv_text.py", ".as_py() != last:", ".as_py() is None:", "tests/shared/intake -k never_closed"),
    Guard("I13 a number that could be two labels", "shared/moneyer_shared/intake/readings.py", "            return {}\n        labels[value] = category", "            continue\n        labels[value] = category", "tests/shared/intake -k typed_value"),
    Guard("a lost race leaves no sealed copy", f"{GENERATION}/routes/sources.py", "undo=forget_upload,", "", "tests/generation/intake -k four_times"),
    Guard("a dry run keeps nothing", f"{GENERATION}/use_cases/sources.py", '    if dry_run == "true":\n        return report\n', "", "tests/generation/intake -k dry_run_says"),
    Guard("runs and views stand for no more than fits", "shared/moneyer_shared/intake/parquet.py", "    if pa.types.is_run_end_encoded(array.type):\n        return max", "    if False:\n        return max", "tests/shared/intake -k few_bytes"),
    Guard("a compressed buffer asks for no memory", "shared/moneyer_shared/intake/arrow.py", "    if message.type in {", "    if False and message.type in {", "tests/generation/intake -k unreadable"),
    Guard("a dictionary says little many times", "shared/moneyer_shared/intake/parquet.py", "    if max(longest, default=0) * batch.num_rows > table_bytes:", "    if False:", "tests/generation/intake -k spelt"),
    Guard("no disk in clear while waiting", "shared/moneyer_shared/spool.py", "        sealed = self._cipher.encrypt(self._nonce(self._frames), plain, None)\n", "        sealed = plain + bytes(TAG_BYTES)\n", "tests/shared/test_spool.py -k word"),
    Guard("a forest knows its categories", f"{GENERATION}/generators/synthcity_arf.py", "if name in declared or name in guessed", "if name in guessed", "tests/generation/test_generators.py -k forest"),
    Guard("I8 a refusal quotes nothing", "shared/moneyer_shared/documents.py", '"message": item["msg"]', '"message": str(item)', "tests/policy -k quotes"),
    Guard("I8 a message in a log", "shared/moneyer_shared/telemetry.py", '"type": type(error).__qualname__,', '"type": repr(error),', "tests/shared -k log_line"),
    Guard("custody: an object's own name", "shared/moneyer_shared/custody.py", "info=name.encode()", 'info=b""', "tests/shared -k 'key_of_its_own'"),
    Guard("a log proof's leaf", "client/moneyer/audit.py", "    if value != head.root:\n", "    if False:\n", "tests/lineage/test_log.py"),
    Guard("I10 real rows under no guarantee", f"{POLICY}/gate/rules/gate/charter_rules.py", ' and facts.offered_guarantee == "none"', "", "tests/policy/test_gate.py -k real_rows"),
    Guard("real rows by vote alone", f"{POLICY}/assets/use_cases/releases.py", 'kind != "release" or kind in {', "kind in {", "tests/policy/test_release_api.py -k real_rows"),
    Guard("I10 a blend's label", f"{GENERATION}/use_cases/plans.py", "earned_when_blended(declaration) if blended else guarantee", "guarantee", "tests/generation/test_carry.py -k blend"),
    Guard("I10 rows left out before a private mechanism", f"{GENERATION}/planning/orders.py", 'if guarantee.level != "none":', "if False:", "tests/generation/test_suppression.py -k refused"),
    Guard("no group torn by suppression", f"{GENERATION}/generators/suppression.py", "if left.can_spare(row):", "if True:", "tests/generation/test_suppression.py -k exactly"),
    Guard("I3 a search beyond its ε", f"{GENERATION}/rules/search.py", "if spent(trials) + cheapest > epsilon:", "if False:", "tests/generation/test_search.py -k 'one_thing or money'"),
    Guard("nobody pays for a cluster that is away", f"{GENERATION}/use_cases/runs.py", "    await flow.dependencies.ready()\n", "", "tests/generation/test_carry.py -k nothing_can_be_run"),
    Guard("a job is sealed to its courier", f"{GENERATION}/execution/ray_children.py", "AESGCM(key).encrypt(nonce, json.dumps(job).encode(), mine)", "json.dumps(job).encode()", "tests/generation/test_ray.py -k alone"),
    Guard("risks are beyond people held out", "services/evaluation/moneyer_evaluation/measures/attributes.py", "newcombe(right, n, baseline, n, confidence)", "newcombe(right, n, 0, n, confidence)", "tests/evaluation/test_truth.py -k nothing"),
    Guard("names stay text on a page", "services/evaluation/moneyer_evaluation/routes/report.py", "autoescape=select_autoescape(default=True, default_for_string=True)", "autoescape=False", "tests/evaluation/test_report.py -k runs_nothing"),
    Guard("a finding is of a released asset", f"{POLICY}/assets/rules/standing.py", '        if self.verdict != "released":\n            raise Conflict', "        if False:\n            raise Conflict", "tests/policy/test_findings.py -k only_a_released"),
    Guard("I6 no vote in time stops the asset", f"{POLICY}/assets/use_cases/findings.py", "    if not decided.approved:\n", '    if decided.state == "rejected":\n', "tests/policy/test_findings.py -k in_time"),
    Guard("a share is overwritten where it lies", f"{POLICY}/assets/use_cases/keyring.py", "self._write(self._path(key_id), os.urandom(KEY_BYTES), 0)", "self._path(key_id).stat()", "tests/policy/test_destruction.py -k written_once"),
    Guard("the wrapped form does not open alone", f"{POLICY}/assets/use_cases/keyring.py", "        if not share:\n", "        if share or not share:\n", "tests/policy/test_destruction.py -k nothing_that_is_left"),
    Guard("no certificate while a key opens", f"{POLICY}/assets/use_cases/destruction.py", "if await is_recoverable(dependencies.keyring, _what_stays(key)):", "if False:", "tests/policy/test_destruction.py -k gets_no_certificate"),
    Guard("final only without backups", f"{POLICY}/assets/use_cases/destruction.py", "gone.backups_until)", "work.now)", "tests/policy/test_destruction.py -k certificate_is_final"),
    Guard("another vault is no destruction", f"{POLICY}/assets/use_cases/destruction.py", "    elif key.overwritten_at is None:\n        return False\n", "", "tests/policy/test_destruction.py -k another_vault"),
    Guard("a key without a share is never final", f"{POLICY}/assets/use_cases/destruction.py", "        if gone.shared:\n", "        if True:\n", "tests/policy/test_destruction.py -k before_there_were_shares"),
    Guard("a key without its share is a fault", f"{POLICY}/assets/use_cases/keyring.py", 'raise Unavailable("A key that was never', 'raise Gone("A key that was never', "tests/policy/test_destruction.py -k lacks_its_share"),
    Guard("I1 a permit opens its own source alone", f"{POLICY}/assets/use_cases/permits.py", 'if not key.resource.startswith((f"{source}:", "register:")):', "if False:", "tests/policy/test_findings.py -k keys_open_again"),
    Guard("a re-assay is of a released asset", f"{POLICY}/assets/use_cases/permits.py", '        standing.check_out("assayed")\n', "        pass\n", "tests/policy/test_findings.py -k not_opened_again"),
    Guard("drift by the lower bound", f"{EVALUATION}/use_cases/looks.py", "one.lower > float(limits[one.metric])\n    ]", "one.value > float(limits[one.metric])\n    ]", "tests/evaluation/test_drift.py -k cries_for_nothing"),
    Guard("later looks are stricter", f"{EVALUATION}/rules.py", "(pi * number) ** 2", "pi**2", "tests/evaluation/test_drift.py -k levels"),
    Guard("a breach is told until it is heard", f"{EVALUATION}/use_cases/looks.py", "    await _report_breaches(flow, monitor)\n", "", "tests/evaluation/test_after_release.py -k told_once"),
    Guard("a register is none to learn from", f"{EVALUATION}/use_cases/reassays.py", "if not held.declaration.for_linkage:", "if False:", "tests/evaluation/test_after_release.py -k no_register"),
    Guard("condemned by the bound", f"{EVALUATION}/use_cases/audits.py", "if bound.lower > float(asked.epsilon)", "if bound.value < float(asked.epsilon)", "tests/evaluation/test_after_release.py -k claim"),
    Guard("only the house speaks of assets", f"{LINEAGE}/record/rules/projection.py", "            if one.vouched:\n                _outcome", "            if True:\n                _outcome", "tests/lineage/test_impact.py -k only_the_house"),
    Guard("a record of vouched events", f"{LINEAGE}/record/store/events.py", "events.c.parent_run_id == run_id), events.c.vouched)", "events.c.parent_run_id == run_id))", "tests/lineage/test_impact.py -k only_the_house"),
    Guard("the log's door is the house's", f"{LINEAGE}/log/routes.py", '"Give an audit event its place", scope=DELIVER', '"Give an audit event its place", scope="lineage:events:write"', "tests/lineage/test_roles.py -k appendAuditEvent"),
    Guard("a stranger's word does not stop the house's", f"{LINEAGE}/record/use_cases/events.py", 'whole = said if vouched else f"heard from {by} {said}"', "whole = said", "tests/lineage/test_impact.py -k only_the_house"),
    Guard("a change is announced once", f"{LINEAGE}/record/store/changes.py", "query.limit(1).with_for_update(skip_locked=True)", "query.limit(1)", "tests/lineage/test_impact.py -k told_once"),
    Guard("each owner hears of their own models", f"{LINEAGE}/models/use_cases/impact.py", "own = [one for one in versions if one.owner == webhook.owner]", "own = list(versions)", "tests/lineage/test_impact.py -k both_owners"),
    Guard("a late model's owner is told", f"{LINEAGE}/models/use_cases/models.py", "    await tell_late(work, name, version)\n", "", "tests/lineage/test_impact.py -k after_the_withdrawal"),
    Guard("a delivery outlives its process", f"{LINEAGE}/webhooks/store.py", "attempts=deliveries.c.attempts + 1, due_at=again_at", "attempts=deliveries.c.attempts + 1, due_at=again_at, delivered_at=again_at", "tests/lineage/test_impact.py -k dies"),
    Guard("a failed delivery is tried again", f"{LINEAGE}/webhooks/courier.py", "        elif due.attempts >= MOST_ATTEMPTS:", "        else:\n            await store.give_up(due.id, work.now, str(failure))\n            await work.tell(_ended(due, 'given-up'))\n        if False:", "tests/lineage/test_impact.py -k downtime"),
    Guard("a training and an announcement do not miss each other", f"{LINEAGE}/models/use_cases/impact.py", "        await store.wait_for_trainings()\n", "", "tests/lineage/test_impact.py -k while_it_is_withdrawn"),
    Guard("the log comes last in a transaction", f"{LINEAGE}/models/use_cases/registries.py", "    if news.version is not None:\n", "    from moneyer_lineage.log.use_cases import log_acts\n    await log_acts(work.connection, work.journal.events, work.now)\n    work.journal.events.clear()\n    if news.version is not None:\n", "tests/lineage/test_registries.py -k ring"),
    Guard("no webhook leads inside", "shared/moneyer_shared/addresses.py", "return public and not relayed and is_public(meant)", "return public", "tests/lineage/test_impact.py -k leads_inside"),
    Guard("every address of a name is checked", f"{LINEAGE}/webhooks/messenger.py", "not all(may_be_called(address, self.networks, public=secure) for address in found)", "not may_be_called(found[0], self.networks, public=secure)", "tests/lineage/test_impact.py -k leads_inside"),
    Guard("the address checked is the one called", f"{LINEAGE}/webhooks/messenger.py", "url.copy_with(host=address)", "url", "tests/lineage/test_impact.py -k one_called"),
    Guard("both secrets sign for a day", f"{LINEAGE}/webhooks/rules/signing.py", "([generation, generation - 1] if both else [generation])", "[generation]", "tests/lineage/test_impact.py -k rotation"),
    Guard("no secret is kept", f"{LINEAGE}/webhooks/routes.py", 'Reply(201, made.model_dump(mode="json"))', 'Reply(201, made.model_dump(mode="json") | {"secret": secret_of(dependencies.setup.webhook_key, made.id, 1)})', "tests/lineage/test_impact.py -k no_secret"),
    Guard("a registry signs", f"{LINEAGE}/models/rules/mlflow.py", 'return hmac.compare_digest(given.encode(), b"v1," + base64.b64encode(made))', "return bool(made)", "tests/lineage/test_registries.py -k own_fresh"),
    Guard("a registry's old words do not count", f"{LINEAGE}/models/routes/registries.py", "if not signed or not is_fresh(timestamp, dependencies.clock()):", "if not signed:", "tests/lineage/test_registries.py -k own_fresh"),
    Guard("figures do not change", f"{LINEAGE}/models/use_cases/models.py", "    if changed:\n", "    if False:\n", "tests/lineage/test_models.py -k figures_are_kept"),
    Guard("a model is its owner's", f"{LINEAGE}/models/use_cases/models.py", '    check_own(known.owner, work.by, "This model")\n', "", "tests/lineage/test_models.py -k hands_a_model"),
    Guard("a withdrawn asset is not read", f"{POLICY}/assets/rules/standing.py", '            case "withdrawn":\n                raise', '            case "nothing":\n                raise', "tests/policy/stories/test_lifecycle.py -k read_no_more"),
    Guard("a substitute is fit to be one", f"{POLICY}/assets/rules/standing.py", "        if self.is_withdrawn or", "        if", "tests/policy/test_standing.py"),
    Guard("a substitute is looked at again at the vote", f"{POLICY}/assets/use_cases/lifecycle.py", "    except Invalid:\n        return None\n", "    except Invalid:\n        return UUID(named)\n", "tests/policy/stories/test_lifecycle.py -k stands_in"),
    Guard("why one person stopped it is not told", f"{POLICY}/assets/use_cases/lifecycle.py", '_changed(work, asset_id, "suspended")', '_changed(work, asset_id, "suspended", because=reason)', "tests/policy/stories/test_lifecycle.py -k every_stop"),
    Guard("nothing undisclosed is published", f"{LINEAGE}/public/rules.py", '"summary" if said == "summary" else "none"', '"summary" if said != "none" else "none"', "tests/lineage/test_cards.py -k not_disclosed"),
    Guard("undisclosed cards are not read", f"{LINEAGE}/public/store.py", "select(cards).where(cards.c.asset_id == asset_id, cards.c.level != UNDISCLOSED)", "select(cards).where(cards.c.asset_id == asset_id)", "tests/lineage/test_cards.py -k not_disclosed"),
    Guard("no figure of few is published", f"{LINEAGE}/public/rules.py", 'if one["n"] < SMALLEST_COUNT', "if False", "tests/lineage/test_cards.py -k few"),
    Guard("small totals are not told", f"{LINEAGE}/public/use_cases.py", "return count if count == 0 or count >= SMALLEST_PUBLIC_COUNT else None", "return count", "tests/lineage/test_cards.py -k counts_of_few"),
    Guard("nobody is named in public", f"{LINEAGE}/public/rules.py", '"curator": source.curator,\n        "title": charter["title"],\n        "purpose"', '"curator": charter["owner"],\n        "title": charter["title"],\n        "purpose"', "tests/lineage/test_cards.py -k nobody_is_named"),
    Guard("public text stays text", f"{LINEAGE}/public/routes.py", "autoescape=select_autoescape(default=True, default_for_string=True)", "autoescape=False", "tests/lineage/test_cards.py -k runs_nothing"),
    Guard("strangers are bounded", f"{LINEAGE}/public/use_cases.py", "    dependencies.throttle.take()\n", "", "tests/lineage/test_cards.py -k bounded"),
    Guard("a witness that saw another size is met there", f"{LINEAGE}/log/publishers.py", "if answer.status_code == CONFLICT and", "if False and", "tests/lineage/test_goes_out.py -k met_there"),
    Guard("a cosignature is checked", f"{LINEAGE}/log/rules/notes.py", "            self.key.verify(signature, cosigned(note, int.from_bytes(stamp)))\n", "", "tests/lineage/test_goes_out.py -k cosigns"),
    Guard("a store written once", f"{LINEAGE}/log/publishers.py", 'mode="create"', 'mode="overwrite"', "tests/lineage/test_goes_out.py -k overwritten"),
    Guard("nothing is passed over that commits late", f"{LINEAGE}/record/store/cursor.py", "and_(beyond(cursor), events.c.written_in < _COMPLETE)", "beyond(cursor)", "tests/lineage/test_forwards.py tests/lineage/test_series.py -k late"),
    Guard("one at a time counts events", f"{LINEAGE}/dashboards/store.py", ".with_for_update()", "", "tests/lineage/test_series.py -k 'counts_once'"),
    Guard("of decisions only the house is counted", f"{LINEAGE}/dashboards/rules.py", "    if not vouched:\n        return found\n", "", "tests/lineage/test_series.py -k 'what_others_say'"),
    Guard("no event is changed by its month's name", f"{LINEAGE}/migrations/versions/0004_months_and_counts.py", """    EXECUTE format('{NEVER_CHANGED.format("months.%I")}', month);\n""", "", "tests/lineage/test_series.py -k changed_under"),
    Guard("a month that was told of already stops nothing", f"{LINEAGE}/migrations/versions/0004_months_and_counts.py", "\n       OR EXISTS (SELECT FROM months.others WHERE event_time >= begins AND event_time < ends)", "", "tests/lineage/test_series.py -k lie_with"),
    Guard("what is not counted yet is counted along", f"{LINEAGE}/dashboards/store.py", "parts = (_between(since, whole), fresh, _between(last, until))", "parts = (_between(since, whole), _between(last, until))", "tests/lineage/test_series.py -k exact"),
    Guard("an entry fits its tile", f"{LINEAGE}/log/use_cases.py", "    if len(content) > LONGEST_LEAF:", "    if False:", "tests/lineage/test_api.py -k no_tile"),
    Guard("a record names every entry", f"{LINEAGE}/log/store.py", "about.order_by(leaves.c.position)", "about.order_by(leaves.c.position).limit(PAGE)", "tests/lineage/test_api.py -k every_entry"),
    Guard("the next page answers the same question", "shared/moneyer_shared/routes.py", "request.url.include_query_params", "request.url.replace_query_params", "tests/lineage/test_api.py -k every_entry"),
    Guard("the later event has the last word", f"{LINEAGE}/record/rules/statements.py", "pick = min if register in EARLIEST else max", "pick = min", "tests/lineage/test_marquez.py -k turn_time_back"),
    Guard("I3 one order, fixed", f"{POLICY}/budgets/rules/accounting/account.py", "return cost.renyi[self._here] <= self._room and", "return any(h + c <= cap for h, c, cap in zip(self.held, cost.renyi, self.caps, strict=True)) and", "tests/policy/test_adaptive.py"),
    Guard("I3 claims' own delta", f"{POLICY}/budgets/rules/accounting/account.py", " and cost.delta <= self._delta_room", "", "tests/attacks/test_understated_claims.py"),
    Guard("I10 no free label", f"{POLICY}/gate/rules/gate/guarantee_rules.py", "    fault = _unpaid(facts) or _misstated(facts)\n", "    fault = None\n", "tests/attacks/test_free_labels.py"),
    Guard("I10 a label follows from its charge", f"{POLICY}/gate/rules/gate/guarantee_rules.py", "_unpaid(facts) or _misstated(facts)", "_unpaid(facts)", "tests/attacks/test_free_labels.py"),
    Guard("I10 a source's unit at the gate", f"{POLICY}/gate/rules/gate/guarantee_rules.py", "    fault = _unit_fault(facts)\n", "    fault = None\n", "tests/attacks/test_privacy_units.py"),
    Guard("I10 a source's unit at registration", f"{GENERATION}/use_cases/sources.py", 'if population.kind == "person" and unit.identified_by != population.identified_by:', "if False:", "tests/attacks/test_privacy_units.py"),
    Guard("I10 votes end at their epsilon", f"{GENERATION}/generators/synthcity_pategan.py", "if told(model) > model.epsilon:", "if False:", "tests/generation/test_noise_scales.py"),
    Guard("I10 dpgan and pategan run at the stated delta", f"{GENERATION}/generators/synthcity_pategan.py", '        made.model.delta = settings["delta"]\n', "", "tests/generation/test_noise_scales.py"),
    Guard("I11 a draft does not govern", f"{POLICY}/charters/store.py", "charter_versions.c.charter_id == charter_id, charter_versions.c.in_force_at <= now)", "charter_versions.c.charter_id == charter_id)", "tests/attacks/test_drafts.py -k 'grants_no or retires_nothing'"),
    Guard("I11 an amendment meets what is in force", f"{POLICY}/charters/use_cases/governing.py", "said else None, *quorums, matter.quorum)", "said else None, matter.quorum)", "tests/attacks/test_amendments.py -k 'what_it_amends'"),
    Guard("I11 the house's floor", f"{POLICY}/reviews/rules/quorum.py", "return taken if _asks_as_much(stages, floor) else merged(taken, Quorum((floor,)))", "return taken", "tests/attacks/test_amendments.py -k floor"),
    Guard("I11 rules that rose reach open reviews", f"{POLICY}/reviews/use_cases/reviews.py", "    review = await at_present(work, row)\n", "    review = await store.review(row)\n", "tests/attacks/test_amendments.py -k 'rise or meanwhile'"),
    Guard("I9 who became the owner counts no longer", f"{POLICY}/reviews/rules/review.py", 'return vote.verdict == "reject" or not {vote.voter, vote.principal} & review.interested', "return True", "tests/policy/test_review.py -k barred_by_now"),
    Guard("nobody proposes another's charter", f"{POLICY}/charters/use_cases/charters.py", "    if work.by not in owners:\n", "    if False:\n", "tests/attacks/test_drafts.py -k stranger"),
    Guard("made under what was in force then", f"{POLICY}/charters/store.py", "            charter_versions.c.in_force_at <= decided_at,\n", "", "tests/attacks/test_drafts.py -k same_words"),
    Guard("the house closes a rule", f"{POLICY}/gate/rules/waiver.py", "return rule.unwaivable or closed.get(code)", "return rule.unwaivable", "tests/attacks/test_waivers.py -k training"),
    Guard("one no denies", f"{POLICY}/gate/rules/gate/__init__.py", "    assessment_is_valid,\n    no_assessor_refuses,\n", "    assessment_is_valid,\n", "tests/attacks/test_assessments.py -k 'one_no or wear_off'"),
    Guard("of each assessor the latest word", f"{POLICY}/library/rules/assessment.py", "    return tuple(last.values())\n", "    return tuple(entry for entry in entries if entry.digest == digest)\n", "tests/attacks/test_assessments.py -k takes_their_yes_back"),
    Guard("a stop on a run shuts its keys", f"{POLICY}/assets/use_cases/keyring.py", "            *await stops.of_run(connection, opening.run_id, opening.at, released=opening.released),\n", "", "tests/attacks/test_stopped.py -k 'opens_no_key and charter'"),
    Guard("a stop on a register shuts its key", f"{POLICY}/assets/use_cases/keyring.py", "            *[stop for row in rows for stop in await stops.of_key(connection, row)],\n", "", "tests/attacks/test_stopped.py -k 'opens_no_key and register'"),
    Guard("no new key of what is stopped", f"{POLICY}/assets/use_cases/keyring.py", '        stops.refuse_stopped(await stops.of_source(connection, UUID(asked.resource.split(":")[1]), asked.population_id))\n', "", "tests/attacks/test_stopped.py -k 'opens_no_key and source'"),
    Guard("what is condemned makes no table", f"{POLICY}/assets/use_cases/stops.py", "        *([] if released else await _of_plan(connection, request, decision.document, now)),\n", "", "tests/attacks/test_stopped.py -k condemnation"),
    Guard("an opening holds what governs", f"{POLICY}/assets/use_cases/keyring.py", "        await RulebookStore(connection).hold()\n        rows =", "        rows =", "tests/attacks/test_stopped.py -k forgot_the_lock"),
    Guard("a run waits for a resumption", f"{GENERATION}/use_cases/runs.py", "        if error.problem_code == SUSPENDED:\n", "        if False:\n", "tests/generation/test_carry.py -k waits_while"),
    Guard("a paid table's assay waits for a resumption", f"{EVALUATION}/use_cases/assays.py", 'if error.problem_code == SUSPENDED and assay.purpose == "release":', "if False:", "tests/evaluation/test_after_release.py -k waits_while"),
    Guard("a stop is not overtaken", f"{POLICY}/gate/store/rulebook.py", "select(func.pg_advisory_xact_lock_shared(*GOVERNANCE))", "select(governance.c.epoch).with_for_update(read=True)", "tests/attacks/test_reads_hold_nothing.py -k waits_only"),
    Guard("advice holds nothing", f"{POLICY}/gate/use_cases/rulebook.py", "        kept = self._kept\n        if kept is not None and kept.epoch == await", "        await RulebookStore(connection).hold()\n        kept = self._kept\n        if kept is not None and kept.epoch == await", "tests/attacks/test_reads_hold_nothing.py -k nor_holds"),
    Guard("advice is worked out aside", f"{POLICY}/gate/use_cases/dry_run.py", "await threads.do(partial(_try, draft, cases, Allowance()))", "_try(draft, cases, Allowance())", "tests/attacks/test_reads_hold_nothing.py -k stop_commits"),
    Guard("advice has a limit", f"{POLICY}/gate/use_cases/dry_run.py", "        if allowance.is_spent:\n            break\n", "", "tests/attacks/test_reads_hold_nothing.py -k overtakes"),
    Guard("a rule loops once", f"{POLICY}/charters/rules/extra_rules.py", "if len(_LOOPS.findall(source)) > 1:", "if False:", "tests/attacks/test_reads_hold_nothing.py -k bounded_when"),
    Guard("an epoch is of one database", f"{POLICY}/gate/store/rulebook.py", "Epoch(row.epoch, row.database, row.started_at)", "Epoch(row.epoch, 0, row.started_at)", "tests/attacks/test_back_in_time.py -k thought_written"),
    Guard("an epoch never comes again", f"{POLICY}/gate/store/rulebook.py", "values(epoch=func.uuidv7())", "values(epoch=literal_column('md5(epoch::text)::uuid'))", "tests/attacks/test_back_in_time.py -k same_twice"),
    Guard("a lost draft's tag fits no other", f"{POLICY}/charters/documents.py", '.{self.digest.removeprefix("sha256:")[:16]}', "", "tests/attacks/test_back_in_time.py -k draft"),
    Guard("who holds a run is no number", f"{GENERATION}/store/runs.py", "runs.c.holder == run.holder", "runs.c.attempt == run.attempt", "tests/attacks/test_back_in_time.py -k worker"),
    Guard("I12 looks run out", f"{POLICY}/gate/rules/gate/__init__.py", "    looks_suffice,\n    assessment", "    assessment", "tests/attacks/test_looks.py -k 'without_end or house_has'"),
    Guard("I12 a look is taken with the permit", f"{POLICY}/gate/use_cases/looks.py", "        self.taken[prepared.look] += 1\n", "", "tests/attacks/test_looks.py -k crowd"),
    Guard("I12 what was opened is not given back", f"{POLICY}/gate/use_cases/looks.py", 'not kinds & (OPENED | {"return"})', 'not kinds & {"return"}', "tests/attacks/test_looks.py -k comes_back_only"),
    Guard("I12 no exception makes looks", f"{POLICY}/gate/rules/gate/guarantee_rules.py", '@unwaivable("looks.exhausted", LOOKS)', '@waivable("looks.exhausted")', "tests/attacks/test_looks.py -k only_a_vote"),
    Guard("a rejected model is not drawn from again", f"{POLICY}/gate/rules/gate/__init__.py", "    model_was_not_rejected,\n    looks_suffice,\n", "    looks_suffice,\n", "tests/attacks/test_rejected_models.py -k another_draw"),
    Guard("the model of a model is the same model", f"{POLICY}/gate/use_cases/looks.py", "        fitted = UUID(model.fitted_by) if model is not None else run_id\n", "        fitted = run_id\n", "tests/attacks/test_rejected_models.py -k 'model_of_a_model or sibling_chain'"),
    Guard("a permit given before a rejection opens no model", f"{POLICY}/assets/use_cases/permits.py", "        await looks.refuse_rejected(work.connection, row.run_id, decision)\n", "        pass\n", "tests/attacks/test_rejected_models.py -k opens_nothing"),
    Guard("tables drawn at once do not race past a rejection", f"{POLICY}/assets/rules/release.py", '        if self.verdict != "released":\n            return self\n', '        if self.verdict != "rejected":\n            return self\n', "tests/attacks/test_rejected_models.py -k race_past"),
    Guard("broken glass opens no rejected model", f"{POLICY}/gate/rules/gate/guarantee_rules.py", '@waivable("model.rejected", by_glass=False)', '@waivable("model.rejected")', "tests/attacks/test_rejected_models.py -k votes_alone"),
    Guard("I12 an assay is rounded for others", f"{EVALUATION}/disclosure.py", 'return "raw" if raw else "rounded" if', 'return "raw" if', "tests/attacks/test_raw_figures.py -k 'rounded_for_others or record_is_rounded'"),
    Guard("I12 what nobody said may be told is withheld", f"{EVALUATION}/disclosure.py", 'if kept == "rounded" else "withheld"', 'if True else "withheld"', "tests/attacks/test_raw_figures.py -k 'unknown_telling or one_row'"),
    Guard("I12 no histogram beside a rounded figure", f"{EVALUATION}/disclosure.py", ', "details": {}', "", "tests/attacks/test_raw_figures.py -k 'rounded_for_others'"),
    Guard("I12 criteria are told by rounded figures", f"{POLICY}/reviews/rules/figures.py", 'precision: Precision = "raw" if raw else', 'precision: Precision = "raw" if True else', "tests/attacks/test_raw_figures.py -k 'release_says or finding_is'"),
    Guard("I12 of a pinned or tiny table the verdict alone", f"{POLICY}/charters/rules/looks.py", 'plan.get("shape") is not None or int(plan["rows"]) < SMALLEST_TABLE', "False", "tests/attacks/test_raw_figures.py -k pinned_or_tiny"),
    Guard("I12 a card shows rounded figures alone", f"{LINEAGE}/public/rules.py", 'if assay.get("figures") == "rounded" else None', "", "tests/attacks/test_raw_figures.py -k strangers"),
    Guard("I12 a narrow interval is no licence for digits", "shared/moneyer_shared/figures.py", "max(Decimal(1), abs(value)) / Decimal(n).sqrt()", 'Decimal("0.000001")', "tests/shared/test_figures.py -k 'many_looks or one_person'"),
    Guard("I12 counts of real rows are told roughly", f"{GENERATION}/rules/disclosure.py", 'if one["of"] == "input" else one', "if False else one", "tests/generation/test_disclosure.py -k exact_count"),
    Guard("doors: a member is stated once", "shared/moneyer_shared/documents.py", "    if len(members) != len(pairs):", "    if False:", "tests/attacks/test_two_readings.py -k yes_and_no"),
    Guard("doors: a key of YAML is stated once", "shared/moneyer_shared/plain_yaml.py", "        elif value in whole:", "        elif False:", "tests/attacks/test_two_readings.py -k 'yaml_says and 1000000'"),
    Guard("doors: a word of YAML is read one way", "shared/moneyer_shared/plain_yaml.py", "    if _OTHERWISE.fullmatch(word) or _tag_in_yaml_1_1(word) not in _TEXT_IN_JSON:", "    if False:", "tests/attacks/test_two_readings.py -k 'yaml_says and benefits'"),
    Guard("doors: a header counts once", "shared/moneyer_shared/doors.py", "                if name in seen:", "                if False:", "tests/attacks/test_two_readings.py -k headers"),
    Guard("doors: before every route", "shared/moneyer_shared/web.py", "        put_doors(router)\n", "", "tests/attacks/test_doors.py -k without_a_token"),
    Guard("doors: the token before the body", "shared/moneyer_shared/doors.py", "        if self._scopes is not None:", "        if False:", "tests/attacks/test_doors.py -k without_a_token"),
    Guard("doors: a body has an end", "shared/moneyer_shared/doors.py", "                    if len(body) > largest:", "                    if False:", "tests/attacks/test_doors.py -k its_limit"),
    Guard("doors: no parameter holds NUL", "shared/moneyer_shared/doors.py", """        if "\\x00" in scope["path"] or b"\\x00" in query or b"%00" in query:""", "        if False:", "tests/attacks/test_odd_tokens.py -k nul"),
    Guard("doors: depth has an end", "shared/moneyer_shared/documents.py", """    if text.count("[") + text.count("{") > DEEPEST and depth_beyond(document, DEEPEST):""", "    if False:", "tests/attacks/test_small_inputs.py -k 'every_door and objects-65'"),
    Guard("doors: what is stored is shown", "shared/moneyer_shared/documents.py", "    return json.loads(_cut(text)) if depth_beyond(document, DEEPEST_SHOWN) else document", "    return document", "tests/attacks/test_small_inputs.py -k no_stored"),
    Guard("doors: all of a gzip body", "shared/moneyer_shared/inflate.py", "        if self._member is not None or not self._members:", "        if False:", "tests/attacks/test_small_inputs.py -k compressed_body"),
    Guard("doors: a number is written one way", "shared/moneyer_shared/contracts/documents.py", "    if is_nearly_a_number(text):", "    if False:", "tests/attacks/test_lenient_numbers.py -k only_some_readers"),
    Guard("doors: whole numbers are whole", "shared/moneyer_shared/contracts/documents.py", """            part["strict"] = True""", "            pass", "tests/attacks/test_lenient_numbers.py -k no_whole_number"),
    Guard("doors: a share of the streams", "shared/moneyer_shared/streams.py", "        if self._open[subject] >= self.most_each or self._open.total() >= self.most:", "        if False:", "tests/attacks/test_doors.py -k their_share"),
    Guard("doors: kept by nobody between", "shared/moneyer_shared/web.py", """    if b"cache-control" not in told and (guarded or start["status"] >= REFUSED):""", "    if False:", "tests/attacks/test_responses.py -k guessed"),
    Guard("signing in: sent back where was registered", "deploy/local/moneyer_local/identity/authorizing.py", "    if uri not in client.redirect_uris:", "    if not any(uri.startswith(one) for one in client.redirect_uris):", "tests/local/test_identity.py -k nobody_registered"),
    Guard("signing in: S256 alone", "deploy/local/moneyer_local/identity/authorizing.py", '    if asked.get("code_challenge_method") != "S256":', "    if False:", "tests/local/test_identity.py -k asked_wrongly"),
    Guard("signing in: a code counts once", "deploy/local/moneyer_local/identity/granting.py", "        if code.family is not None:", "        if False:", "tests/local/test_identity.py -k second_use"),
    Guard("signing in: whoever asked redeems", "deploy/local/moneyer_local/identity/granting.py", " or not _proves(asked, request.challenge)", "", "tests/local/test_identity.py -k stolen_code"),
    Guard("signing in: a refresh token counts once", "deploy/local/moneyer_local/identity/memory.py", "        if _digest(secret) in family.spent:", "        if False:", "tests/local/test_identity.py -k reuse"),
    Guard("signing in: a form of the page's browser", "deploy/local/moneyer_local/identity/browsers.py", "return page if page is not None and _same(page.browser, request) else None", "return page", "tests/local/test_identity.py -k 'shown_it or from_a_page'"),
    Guard("signing in: out again where was registered", "deploy/local/moneyer_local/identity/browsers.py", "if client is None or uri not in client.post_logout_uris:", "if client is None:", "tests/local/test_identity.py -k leads_nowhere"),
    Guard("tokens: plain only by a setting", "shared/moneyer_shared/claims.py", "if not self.plain or not plain:", "if not plain:", "tests/shared/test_claims.py -k plain_type"),
    Guard("tokens: what ID tokens have", "shared/moneyer_shared/claims.py", "if found := [name for name in OF_ID_TOKENS if name in claims]:", "if found := list[str]():", "tests/shared/test_claims.py -k never_passes"),
    Guard("tokens: what ID tokens never have", "shared/moneyer_shared/claims.py", 'if not {"scope", "scp", self.scope} & claims.keys() and claims.get("idtyp") != "app":', "if False:", "tests/shared/test_claims.py -k 'never_passes or of_entra'"),
    Guard("tokens: a client is not its audience", "shared/moneyer_shared/claims.py", " or claims[self.client] in audiences:", ":", "tests/shared/test_claims.py -k never_passes"),
    Guard("tokens: groups that were left out", "shared/moneyer_shared/claims.py", "    if (isinstance(elsewhere, dict) and path[0] in elsewhere) or", "    if False or", "tests/shared/test_claims.py -k left_out"),
    Guard("tokens: roles are names", "shared/moneyer_shared/claims.py", "    if not all(isinstance(name, str) for name in said):", "    if False:", "tests/shared/test_claims.py -k no_names"),
    Guard("inbox: a vote that was cast", "services/policy/moneyer_policy/inbox/store.py", " & ~_has_voted({me, person})", "", "tests/policy/test_inbox.py -k who_can_cast"),
    Guard("inbox: a matter of one's own", "services/policy/moneyer_policy/inbox/store.py", "    return not_(reviews.c.barred.contains([person])) & or_", "    return or_", "tests/policy/test_inbox.py -k own_matter"),
    Guard("login: two processes, one refresh", "client/moneyer/profiles.py", "                fcntl.flock(lock, fcntl.LOCK_EX)", "                fcntl.flock(lock, fcntl.LOCK_UN)", "tests/client/test_signing_in.py -k renew_at_once"),
    Guard("login: tokens go nowhere in clear", "client/moneyer/signing_in.py", '    if not own and not (url.scheme == "https" and url.host):', "    if False:", "tests/client/test_signing_in.py -k 'in_clear or trusted'"),
    Guard("login: a file that others read", "client/moneyer/profiles.py", '        if os.name == "posix" and mode & OTHERS:', "        if False:", "tests/client/test_signing_in.py -k owners_alone"),
    Guard("doors: a subject is a name", "shared/moneyer_shared/claims.py", "    if not isinstance(value, str) or SUBJECT.fullmatch(value) is None:", "    if False:", "tests/attacks/test_odd_tokens.py -k 'odd_claims and sub'"),
    Guard("doors: faults have an end", "shared/moneyer_shared/errors.py", "for fault in found[:MOST_FAULTS]]", "for fault in found]", "tests/shared/test_documents.py -k told_in_part"),
    Guard("a model is told of by those it is shared with", f"{LINEAGE}/models/use_cases/models.py", '    check_own(known.owner, by, "This model", *known.shared_with)\n', "", "tests/attacks/owners -k models_of_others"),
    Guard("a registry's names are its own", f"{LINEAGE}/models/rules/names.py", "    if colon and space.strip()", "    if False and space.strip()", "tests/attacks/owners -k names_of_registries"),
    Guard("a service's leaves are its own", f"{LINEAGE}/log/rules/leaves.py", "    if service != speaker:\n", "    if False:\n", "tests/attacks/owners -k leaves_of_other"),
    Guard("the house's datasets are its own to describe", f"{LINEAGE}/marquez/use_cases/catalogue.py", "    check_space(namespace)\n", "", "tests/attacks/owners -k tags_of_the_house"),
    Guard("scores come from named scorers", f"{EVALUATION}/use_cases/monitors.py", '    await work.check_owner("monitor", monitor_id, *monitor.scorers)\n', "", "tests/attacks/owners -k monitors_of_others"),
    Guard("published shares have an owner", f"{EVALUATION}/use_cases/shares.py", '    await work.check_owner("shares", population_id)\n', "", "tests/attacks/owners -k shares_of_others"),
    Guard("a stranger's table is not read", f"{GENERATION}/routes/sources.py", "        await check_may_upload(work, source_id, key)\n", "", "tests/attacks/owners -k not_even_read"),
    Guard("a kept model is its requester's", f"{GENERATION}/use_cases/plans.py", "        await _check_model_owner(flow, plan.model)\n", "        pass\n", "tests/attacks/owners -k runs_of_others"),
    Guard("a duty is done by who answers for the incident", f"{POLICY}/incidents/use_cases/incidents.py", '    await check_owner(work, "incident", incident_id)\n    store = IncidentStore(work.connection)\n    await store.do_duty(', "    store = IncidentStore(work.connection)\n    await store.do_duty(", "tests/attacks/owners -k incidents_of_others"),
    Guard("a population's budget is its owner's to allocate", f"{POLICY}/budgets/use_cases/budgets.py", '    await check_owner(work, "population", population_id)\n    rows =', "    rows =", "tests/attacks/owners -k populations_of_others"),
    Guard("a population's unit is its owner's to declare", f"{POLICY}/budgets/use_cases/budgets.py", '    await check_owner(work, "population", population_id)\n    if population', "    if population", "tests/attacks/owners -k populations_of_others"),
    Guard("a rejection criterion is its owner's to lift", f"{POLICY}/library/use_cases/library.py", '    await check_owner(work, "rejection-criterion", rejection_id)\n', "", "tests/attacks/owners -k rejection_criteria"),
    Guard("the next address of a name is tried", f"{LINEAGE}/webhooks/messenger.py", "            except (httpx.ConnectError, httpx.ConnectTimeout) as error:\n", "            except ZeroDivisionError as error:\n", "tests/attacks/test_outgoing_calls.py -k dead_address"),
    Guard("an attempt has a whole limit", f"{LINEAGE}/webhooks/messenger.py", "            async with asyncio.timeout(self.patience):\n", "            if True:\n", "tests/attacks/test_outgoing_calls.py -k whole_limit"),
    Guard("a webhook is told one thing at a time", f"{LINEAGE}/webhooks/store.py", "deliveries.c.webhook_id.not_in(busy), ", "", "tests/attacks/test_outgoing_calls.py -k dripping_receiver"),
    Guard("an owner's webhooks have a share of all ways", f"{LINEAGE}/webhooks/store.py", ".where(turns.c.turn <= per_owner)", ".where(turns.c.turn > 0)", "tests/attacks/test_outgoing_calls.py -k leave_ways"),
    Guard("what was not reached is told in one sentence", f"{LINEAGE}/webhooks/messenger.py", "super().__init__(UNREACHED)", "super().__init__(why)", "tests/attacks/test_outgoing_calls.py -k failed_delivery"),
    Guard("no stranger's word counts beside the house's", f"{LINEAGE}/record/rules/statements.py", "return HOUSE if self.vouched else OTHERS", "return HOUSE", "tests/attacks/test_strangers_events.py -k changes_what"),
    Guard("a run is the house's once it has spoken", f"{LINEAGE}/record/rules/pictures.py", "return HOUSE if HOUSE in layers else owner", "return owner if owner in layers else HOUSE", "tests/attacks/test_strangers_events.py -k 'changes_what or telling_the_same'"),
    Guard("a name of ours is ours", f"{LINEAGE}/record/rules/pictures.py", "if HOUSE not in layers and not is_ours(namespace):", "if HOUSE not in layers:", "tests/attacks/test_strangers_events.py -k table_of_our_name"),
    Guard("a stranger's input does not feed our output", f"{LINEAGE}/record/store/edges.py", "same = and_(edges.c.run_id == touched.c.run_id, edges.c.party == touched.c.party)", "same = and_(edges.c.run_id == touched.c.run_id)", "tests/attacks/test_strangers_events.py -k feeds_nothing"),
    Guard("an end outranks what goes on at its moment", f"{LINEAGE}/record/rules/statements.py", "{HEAVIER.get(self.event.get('eventType') or '', 0)} ", "", "tests/attacks/test_arrival_order.py -k one_moment"),
    Guard("an edge is as old as its first event", f"{LINEAGE}/record/store/edges.py", "func.least(edges.c.first_seen, added.excluded.first_seen)", "edges.c.first_seen", "tests/attacks/test_arrival_order.py -k known_by"),
    Guard("edges follow the run", f"{LINEAGE}/marquez/use_cases/graphs.py", "        rows = await store.beside(frontier, direction, None)\n", "        rows = await store.beside(frontier, direction, None)\n        rows = [*rows, *await store.of_runs(await store.runs_of((rows[0].job_namespace, rows[0].job_name), None, 99), None, None)] if rows else rows\n", "tests/attacks/test_arrival_order.py -k edges_follow"),
    Guard("a colon in a name is escaped in its id", f"{LINEAGE}/record/rules/graph.py", '.replace(":", "%3A")', "", "tests/lineage/test_folding.py -k 'reads_its_own_id or share_an_id'"),
    Guard("times stay inside the calendar", "shared/moneyer_shared/clock.py", "inside = EARLIEST <= moment.astimezone(UTC) < LATEST", "inside = moment.astimezone(UTC) is not None", "tests/attacks/test_ends_of_time.py -k 'stops_the_counting or for_ever or cannot_keep'"),
    Guard("a name fits its index", f"{LINEAGE}/record/documents/openlineage.py", "if taken > MOST_NAME_BYTES:", "if taken > 99 * MOST_NAME_BYTES:", "tests/attacks/test_producers_shapes.py -k longer_than"),
    Guard("policy's word is shown", f"{GENERATION}/use_cases/plans.py", "return {**runs, **by_policy}", "return runs", "tests/attacks/test_one_status.py -k stopped_asset"),
    Guard("a denied plan has ended", f"{POLICY}/gate/use_cases/batch.py", '"ABORT" if decision["verdict"] == "deny" else "OTHER"', '"OTHER"', "tests/attacks/test_one_status.py -k denied_plan"),
    Guard("no leaf names anybody", "shared/moneyer_shared/leaves.py", "            return _SAFE.fullmatch(value) is not None", "            return True", "tests/client/test_verifying.py -k name_somebody"),
    Guard("no subject names anybody", "shared/moneyer_shared/leaves.py", "    if not (isinstance(subject, Word) or is_of_ids(subject)):", "    if False:", "tests/client/test_verifying.py -k name_somebody"),
    Guard("a review's subject with a name stays out of the log", f"{POLICY}/reviews/use_cases/reviews.py", '{"subject": row.subject} if is_of_ids(row.subject) else {}', '{"subject": Word(row.subject)}', "tests/attacks/test_names_in_the_log.py -k of_policy"),
    Guard("what is shown is what was logged", "client/moneyer/evidence/bundle.py", "        if held is False:", "        if False:", "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("no vote or assessment is left out", "client/moneyer/evidence/bundle.py", "            elif self.seals(entry, what, None) is not None:", "            elif False:", "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("no event is left out", "client/moneyer/evidence/checks/telling.py", "    if told - set(digests) or len(set(digests)) != len(digests):", "    if False:", "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("the record is what the events say", "client/moneyer/evidence/checks/telling.py", '    if not same(shown, compose_record(bundle.asset, told) | {"log_entries": entries}):', "    if False:", "tests/attacks/test_forged_bundles.py -k every_value"),
    Guard("a certificate stands in the log", "client/moneyer/evidence/checks/acts.py", '            raise NotProven("the log speaks of a certificate of destruction that is not shown")', "            continue", "tests/attacks/test_forged_bundles.py -k speaks_of"),
    Guard("evidence binds plan and log", "client/moneyer/evidence/checks/acts.py", '    bundle.compare(entry, "request", shown, ("request.json",))\n', '    bundle.prove(("request.json",))\n', "tests/attacks/test_forged_bundles.py -k cannot_lie"),
    Guard("evidence is listed and signed", "client/moneyer/evidence/checks/frame.py", "        if listed[name] != expected:", "        if False:", "tests/attacks/test_forged_bundles.py -k manifest_lists"),
    Guard("a zip holds each member once", "client/moneyer/evidence/packed.py", "        if member.name in found:", "        if False:", "tests/attacks/test_forged_bundles.py -k two_readings"),
    Guard("nothing stands before a zip's members", "client/moneyer/evidence/packed.py", "        if member.start != place:", "        if False:", "tests/attacks/test_forged_bundles.py -k two_readings"),
    Guard("a document has one reading", "client/moneyer/evidence/documents.py", "        if _depth(document) > DEEPEST or written(document) != content:", "        if False:", "tests/attacks/test_forged_bundles.py -k two_readings"),
    Guard("nothing of a bundle reaches the terminal raw", "client/moneyer/cli/console.py", 'return letter == " " or unicodedata.category(letter)[0] not in {"C", "Z"}', "return True", "tests/client/test_verifying.py -k obeys_no_terminal"),
    Guard("no proofs are no success", "client/moneyer/audit.py", "    if not isinstance(given, list) or not given:", "    if not isinstance(given, list):", "tests/client/test_verifying.py -k nothing_is_proven"),
    Guard("a false line of the log's key refuses the note", "client/moneyer/audit.py", '            verifier.check(signature[4:], body.encode(), "the checkpoint\'s signature is not by this key")\n', "", "tests/client/test_verifying.py -k not_proven"),
    Guard("lineage asks for nobody who may not ask", f"{LINEAGE}/evidence/routes.py", 'EVIDENCE = "lineage:evidence:read"', 'EVIDENCE = "lineage:read"', "tests/attacks/test_confused_deputy.py -k asks_for_nobody"),
    Guard("salts are of one asset's leaves", f"{POLICY}/assets/store/salts.py", ", subject.in_(subjects)", "", "tests/attacks/test_confused_deputy.py -k alone"),
    Guard("a refused body holds no connection", "shared/moneyer_shared/server.py", "            self._wait(LINGER_SECONDS)\n", "            pass\n", "tests/attacks/test_after_the_head.py -k holds_no_connection"),
    Guard("nothing beside a charge is proven", "client/moneyer/evidence/checks/acts.py", "    if any(set(one) != MOVED for _, one in moved):", "    if False:", "tests/attacks/test_added_values.py -k added"),
    Guard("a zip's member is a plain file", "client/moneyer/evidence/packed.py", "        if (made_by, version, kind, mode, time, date) != (_MADE_BY, _VERSION, 0, _PLAIN_FILE, _TIME, _DATE):", "        if False:", "tests/attacks/test_added_values.py -k plain_file"),
    Guard("a question through a model is asked once", "shared/moneyer_shared/doors.py", "        if isinstance(kind, type) and issubclass(kind, BaseModel):", "        if False:", "tests/attacks/test_odd_questions.py -k asked_once"),
    Guard("a line of YAML ends in one way", "shared/moneyer_shared/plain_yaml.py", "    if _ENDS_A_LINE_TO_SOME.search(text):", "    if False:", "tests/attacks/test_odd_questions.py -k ends_a_line"),
    Guard("a vote sent again", f"{POLICY}/effects/routes.py", '"Vote on a submitted version",\n    scope=VOTE,\n    status=201,\n    once="may",\n', '"Vote on a submitted version",\n    scope=VOTE,\n    status=201,\n', "tests/attacks/test_repeats.py -k vote_on_a_charter"),
    Guard("a date that is past when asked again", "shared/moneyer_shared/routes.py", "                if answer := await attempt.answered(work.connection, caller.subject):\n                    raise _AnsweredBefore(answer)  # noqa: TRY301 - it ends the transaction\n", "", "tests/attacks/test_repeats.py -k 'made_in_time and exception'"),
    Guard("a run sent again", f"{GENERATION}/use_cases/plans.py", "            await flow.keep(work, Generation.model_validate(run))\n", "", "tests/attacks/test_repeats.py -k as_it_began"),
    Guard("an audit sent again", "shared/moneyer_shared/routes.py", "            if known is not None:\n                return _response(known)\n", "", "tests/attacks/test_repeats.py -k audit_is_judged_once"),
    Guard("rows of one moment between pages", "shared/moneyer_shared/paging.py", "here, there = tuple_(*order), tuple_(*place)", "here, there = order[0], place[0]", "tests/attacks/test_pages.py -k 'one_moment or silently'"),
    Guard("a full page says where the next is", "shared/moneyer_shared/routes.py", "            if len(rows) >= PAGE:", "            if len(rows) > PAGE:", "tests/attacks/test_pages.py -k silently"),
    Guard("decisions are told by time", f"{POLICY}/gate/store/decisions.py", "        order = (decisions.c.decided_at, decisions.c.id)\n", "        order = (decisions.c.id,)\n", "tests/attacks/test_pages.py -k newest_come_first"),
    Guard("cards are told by time", f"{LINEAGE}/public/store.py", "order, last = (cards.c.published_at, cards.c.asset_id),", "order, last = (cards.c.asset_id,),", "tests/attacks/test_pages.py -k latest_cards"),
    Guard("no page loads from elsewhere", "shared/moneyer_shared/web.py", "        docs_url=None,\n", "", "tests/attacks/test_html.py -k another_host"),
    Guard("glass is documented as it is held", f"{POLICY}/gate/documents/waivers.py", "le=LONGEST_GLASS_HOURS", "le=24", "tests/policy/stories/test_votes.py -k glass"),
    Guard("a published suite is a list", f"{EVALUATION}/measures/catalogue.py", "for entry in added}, **SUITES}", "for entry in added}, **SUITES, STANDARD: [one.id for one in BUILT_IN]}", "tests/evaluation/test_catalogue.py -k joins_no_published"),
    Guard("an undeclared metric is not guessed", f"{EVALUATION}/disclosure.py", "        if best is None or can_tell(best,", "        best = best or 0.0\n        if can_tell(best,", "tests/evaluation/test_catalogue.py -k not_guessed"),
    Guard("votes are on the finding that was found", f"{POLICY}/assets/use_cases/findings.py", "        if says_no_worse(finding, FindingVotedOn.model_validate(one.document)):\n", "        if one.id:\n", "tests/attacks/test_what_was_voted_on.py -k worse"),
    Guard("an exception is to the text it was granted of", f"{POLICY}/gate/rules/waiver.py", "since is None or waiver.made_at >= since", "since is None or waiver.rule", "tests/attacks/test_what_was_voted_on.py -k outlive"),
    Guard("an exception asked of one text is none to another", f"{POLICY}/gate/use_cases/waivers.py", "    if charter.digest != document.get", "    if False and charter.digest != document.get", "tests/attacks/test_what_was_voted_on.py -k next"),
    Guard("an exception for one use is used by a permit", f"{POLICY}/gate/use_cases/batch.py", '    if judgement.verdict != "permit":\n        return\n    for waiver', '    if judgement.verdict == "deny":\n        return\n    for waiver', "tests/attacks/test_what_was_voted_on.py -k serves"),
    Guard("names of audits are theirs", f"{POLICY}/library/use_cases/library.py", "    if asked.name.startswith(OF_AUDITS):\n", "    if False:\n", "tests/attacks/test_places_taken.py -k audits"),
    Guard("nobody takes all places of criteria", f"{POLICY}/library/use_cases/library.py", "own < MOST_CRITERIA_OF_ONE and ", "", "tests/attacks/test_places_taken.py -k all_places"),
    Guard("a vote lifts the stops it names", f"{POLICY}/assets/use_cases/lifecycle.py", "    lifted = [one for one in present if one in named]\n", "    lifted = list(present)\n", "tests/attacks/test_stops_add_up.py -k 'lifts or incidents_stop'"),
    Guard("a finding lifts its own stop", f"{POLICY}/assets/use_cases/findings.py", "{one.id for one in present if one.review_id == row.id}", "{one.id for one in present}", "tests/attacks/test_stops_add_up.py -k let_stand"),
    Guard("what an open incident names is proposed for no end", f"{POLICY}/assets/use_cases/lifecycle.py", '    await check_no_incident(work, "asset", asset_id)\n    return await _put_up', "    return await _put_up", "tests/attacks/test_stops_add_up.py -k evidence"),
    Guard("what an open incident names is ended by no earlier vote", f"{POLICY}/charters/use_cases/charters.py", '    await check_no_incident(work, "charter", charter_id)\n    await CharterStore', "    await CharterStore", "tests/attacks/test_stops_add_up.py -k waits_until"),
    Guard("a grant for a use prohibited since", f"{POLICY}/assets/use_cases/grants.py", "    if prohibited.issuperset(held):", "    if False:", "tests/attacks/test_terms_voted_since.py -k 'grant or platform'"),
    Guard("a permit prohibited or refused since", f"{POLICY}/assets/use_cases/stops.py", ", *_of_terms(request, today), *_of_terms(request, then)]", "]", "tests/attacks/test_terms_voted_since.py -k permit"),
    Guard("naming somebody takes no no away", f"{POLICY}/reviews/rules/review.py", 'return review.barred if verdict == "reject" and review.a_no_withholds else review.interested', "return review.interested", "tests/attacks/test_judges.py -k silences"),
    Guard("a no that keeps something", f"{POLICY}/reviews/rules/review.py", " and review.a_no_withholds", "", "tests/policy/test_review.py -k may_keep"),
    Guard("whom a proposal names approves nothing", f"{POLICY}/reviews/rules/review.py", "return self.barred | self.named", "return self.barred", "tests/policy/test_review.py -k says_no"),
    Guard("only a source's first key says whose it is", f"{POLICY}/assets/store/assets.py", "first.setdefault(row.source, row.owner)", "first[row.source] = row.owner", "tests/attacks/test_judges.py -k 'silences and key'"),
    Guard("authors judge nothing of their charter", f"{POLICY}/incidents/use_cases/interests.py", "*row.authors, row.submitter", "", "tests/attacks/test_judges.py -k wrote_a_charter"),
    Guard("who drafted a charter judges nothing of it", f"{POLICY}/incidents/use_cases/interests.py", "    found.people.add(await store.creator(charter_id))\n", "", "tests/attacks/test_judges.py -k wrote_a_charter"),
    Guard("a population's owner", f"{POLICY}/incidents/use_cases/interests.py", '    it.found.people.add(await owner_now(it.work.connection, "population", it.id))\n', "", "tests/attacks/test_judges.py -k population"),
    Guard("an incident's opener", f"{POLICY}/incidents/use_cases/interests.py", "    it.found.people.add((await IncidentStore(it.work.connection).incident(UUID(it.id))).opened_by)\n", "", "tests/attacks/test_judges.py -k incident"),
    Guard("glass of one's own charter", f"{POLICY}/gate/use_cases/waivers.py", " | interests.barred | interests.named", "", "tests/attacks/test_judges.py -k confirms"),
    Guard("old approvals", f"{POLICY}/reviews/rules/review.py", " and _is_young(vote, review, now)", "", "tests/attacks/test_old_votes.py -k grown_old"),
    Guard("rejected glass is closed", f"{POLICY}/gate/use_cases/waivers.py", "await store.change(waiver_id, valid_until=work.now)", "pass", "tests/attacks/test_old_votes.py -k closed"),
    Guard("a card waits for its assay", f"{LINEAGE}/public/use_cases.py", ' or not record.get("assay")', "", "tests/lineage/test_cards.py -k waits_for_the_assay"),
    Guard("a route's answer is kept for a repeat", "shared/moneyer_shared/routes.py", "            await attempt.keep(work.connection, caller.subject, reply)\n", "", "tests/shared/test_routes.py -k repeat"),
    Guard("a route answers what it declares", "shared/moneyer_shared/routes.py", 'warnings="error"', 'warnings="none"', "tests/shared/test_routes.py -k past_its_model"),
    Guard("a reader cannot write", "shared/moneyer_shared/routes.py", "read_only=self._read_only) as work", "read_only=False) as work", "tests/shared/test_routes.py -k reader"),
    Guard("a change says what it builds on", "shared/moneyer_shared/routes.py", "        raise PreconditionRequired(", "        return IfMatch('*')\n        raise PreconditionRequired(", "tests/shared/test_routes.py -k builds_on"),
    Guard("what two sendings keep, one keeps", "shared/moneyer_shared/routes.py", "                raise in_flight()\n", "                return\n", "tests/shared/test_routes.py -k overtook"),
    Guard("what is asked first is asked once", "shared/moneyer_shared/routes.py", "            known = await attempt.answered_before(dependencies.database, caller.subject)\n", "            known = None\n", "tests/shared/test_routes.py -k repeat"),
    Guard("rejected glass stays closed that day", f"{POLICY}/gate/use_cases/waivers.py", "    if await WaiverStore(work.connection).was_glass_rejected(charter_id, requester, work.now - REJECTED_FOR):", "    if False:", "tests/attacks/test_old_votes.py -k same_day"),
    Guard("loans that overlap later", f"{POLICY}/reviews/store/committee.py", "            delegations.c.valid_from < ends,\n", "            delegations.c.valid_from < func.now(),\n", "tests/attacks/test_old_votes.py -k lent"),
    Guard("nor lengthens its time", f"{POLICY}/reviews/rules/quorum.py", "min([said.ttl, *(quorum.ttl or limit for quorum in charters)])", "said.ttl", "tests/policy/test_review.py -k speak_for"),
    Guard("a proposal speaks for no charter that is silent", f"{POLICY}/reviews/rules/quorum.py", "spoken = [_completed(quorum, house) for quorum in charters]", "spoken = charters", "tests/policy/test_review.py -k speak_for"),
    Guard("a contradiction is not paid for", f"{GENERATION}/planning/contradictions.py", "    if not _possible(columns, every):\n", "    if False:\n", "tests/generation/test_satisfiability.py -k cannot_be"),
    Guard("a stratum inside another is not paid for", f"{GENERATION}/planning/contradictions.py", "        if not asked.outside(inside,", "        if False and not asked.outside(inside,", "tests/generation/test_satisfiability.py -k cannot_be"),
    Guard("a rest of nothing is not paid for", f"{GENERATION}/planning/contradictions.py", "    if not asked.outside(whole, [one.where for one in plain.strata]):\n", "    if False:\n", "tests/generation/test_satisfiability.py -k cannot_be"),
    Guard("between whole numbers is none", f"{GENERATION}/planning/satisfiability.py", "(Fraction(high), 0), whole=True)", "(Fraction(high), 0))", "tests/generation/test_satisfiability.py -k 'cannot_be or yes'"),
    Guard("a strict cycle is none", f"{GENERATION}/planning/satisfiability.py", "any(low == high and strict for low, high, strict in self._below) or any(", "any(", "tests/generation/test_satisfiability.py -k 'cannot_be or yes'"),
    Guard("who must differ can", f"{GENERATION}/planning/satisfiability.py", "return _coloured(order, few, rivals, {}, [MOST_COLOURED])", "return True", "tests/generation/test_satisfiability.py -k 'cannot_be or yes'"),
    Guard("what an engine cannot carry is not paid for", f"{GENERATION}/use_cases/plans.py", "    check_capacity(engine, declaration, about_rows, flow.dependencies.settings.job_mebibytes)\n", "", "tests/generation/test_offers.py -k doomed"),
    Guard("an offer knows rows to two figures", f"{GENERATION}/use_cases/plans.py", "about_rows, makes_table = about(newest.version.train_rows)", "about_rows, makes_table = newest.version.train_rows", "tests/generation/test_offers.py -k roughly"),
    Guard("what a model never makes is not sought for ever", f"{GENERATION}/generators/shaping.py", "[part for part in waiting if not part.seen] if drawn >= LEAST_DRAWN else []", "list[Part]()", "tests/generation/test_capacity.py -k sought"),
    Guard("no plugin is asked to learn from nothing", f"{GENERATION}/generators/synthcity_plugin.py", " if len(frame.columns) else None, constants", ", constants", "tests/generation/test_capacity.py -k alike"),
    Guard("a private plugin does not repeat the only row", f"{GENERATION}/generators/synthcity_claimed.py", "        if loader is None:\n            raise CannotLearn", "        if False:\n            raise CannotLearn", "tests/generation/test_capacity.py -k only_row"),
    Guard("noise is told before it is paid for", f"{GENERATION}/planning/cautions.py", "if noise is None or noise < LOUD * rows:", "if True:", "tests/generation/test_capacity.py -k told"),
    Guard("a store that writes over is refused", "shared/moneyer_shared/custody.py", '    raise StoreUnfit("it wrote over', '    print("it wrote over', "tests/shared/test_stores_that_promise_less.py"),
    Guard("a HEAD ends", "shared/moneyer_shared/web.py", "                raise _HeadSent\n", "                return\n", "tests/generation/test_downloads.py -k head_ends"),
    Guard("what is there is not sent again", f"{GENERATION}/routes/assets.py", 'if if_none_match is not None and _is_there(if_none_match, headers["ETag"]):', "if False:", "tests/generation/test_downloads.py -k there_already"),
    Guard("a group without the outcome is not perfectly fair", f"{EVALUATION}/measures/fairness.py", "upper = max(upper, REACHES[metric](chance, truth, groups, enough))", "pass", "tests/evaluation/test_over_nothing.py -k fair"),
    Guard("numbers without a value correlate with nothing", f"{EVALUATION}/measures/likeness.py", "    if sum(_varies(tables.asset[name]) for name in names) < 2:", "    if False:", "tests/evaluation/test_over_nothing.py -k correlate"),
    Guard("features fit in memory", f"{EVALUATION}/measures/reference.py", "    if sum(wanted) <= most:\n", "    if True:\n", "tests/evaluation/test_over_nothing.py -k memory"),
    Guard("what leaves is what was recorded", f"{GENERATION}/downloads.py", "    if stated is not None and stated.of(form).sha256 != spool.sha256:", "    if False:", "tests/generation/test_forms.py -k as_recorded"),
    Guard("a table has one form, however it was sealed", f"{GENERATION}/forms.py", "        for batch in even_batches(table):\n            writer.write(batch)\n\n\ndef delivered", "        for batch in table.iter_batches():\n            writer.write(batch)\n\n\ndef delivered", "tests/generation/test_forms.py -k groups"),
    Guard("nothing under a null is left to chance", f"{GENERATION}/forms.py", "    rows[~present] = 0\n", "    rows[~present] = 1\n", "tests/generation/test_forms.py -k another_version"),
    Guard("no digest of a table before its release", f"{GENERATION}/documents/generations.py", 'released=info.data.get("state") in OUT', "released=True", "tests/generation/test_descriptions.py -k once"),
    Guard("a schema takes the table's permission", f"{GENERATION}/use_cases/assets.py", "policy.unlock(asset_id, UnlockRequest(subject=reader or flow.by))", "policy.new_source_key(None)", "tests/generation/test_descriptions.py -k permission"),
    Guard("what is prohibited now is no condition of use", f"{GENERATION}/use_cases/descriptions.py", " and one.use_case not in prohibited]", "]", "tests/generation/test_descriptions.py -k row_by_row"),
    Guard("the client holds a table to its record", "client/moneyer/transfer.py", "            if stated is not None and stated != found:", "            if False:", "tests/client/test_tables.py -k other_bytes"),
    Guard("a cut download goes on with the table it began", "client/moneyer/transfer.py", ', "If-Range": str(self._etag)}', "}", "tests/client/test_tables.py -k cut_off"),
    Guard("a whole answer begins anew", "client/moneyer/transfer.py", "        if status != PARTIAL or begins is None or int(begins[1]) != self.got:", "        if False:", "tests/client/test_tables.py -k anew"),
    Guard("no null for a category that is not declared", "client/moneyer/tables.py", "    if places.null_count != column.null_count:", "    if False:", "tests/client/test_tables.py -k not_declared"),
    Guard("whole numbers that may be missing are no floats", "client/moneyer/tables.py", "        if name in whole\n", "        if False\n", "tests/client/test_tables.py -k typed"),
    Guard("a file is held to a proven digest", "client/moneyer/evidence/tables.py", "    if stated is None:\n", "    if False:\n", "tests/client/test_older_bundles.py -k nothing_of_a_file"),
    Guard("a query stands where only a query may", f"{GENERATION}/connectors/sql.py", 'return f"SELECT * FROM (\\n{query}\\n) AS pulled"', "return query", "tests/generation/connectors/test_postgres.py -k one_select"),
    Guard("a pull changes nothing at its database", f"{GENERATION}/connectors/postgres.py", '"default_transaction_read_only": "on"', '"default_transaction_read_only": "off"', "tests/generation/connectors/test_postgres.py -k one_select"),
    Guard("a database is not told the password", f"{GENERATION}/connectors/postgres.py", '        "require_auth": "scram-sha-256",\n', "", "tests/generation/connectors/test_postgres.py -k does_not_get_it"),
    Guard("a driver's words are not told", f"{GENERATION}/connectors/postgres.py", "raise _connecting(str(error)) from None", 'raise Fault("unreachable", str(error)) from None', "tests/generation/connectors/test_postgres.py -k our_words"),
    Guard("a pull has a whole limit of time", f"{GENERATION}/connectors/fetching.py", '    if seconds > job["seconds"]:\n', "    if False:\n", "tests/generation/connectors/test_postgres.py -k drips"),
    Guard("a secret's file lies in the folder", f"{GENERATION}/connectors/secrets.py", "if not file.is_relative_to(folder.resolve(strict=True)) or not file.is_file():", "if not file.is_file():", "tests/generation/connectors/test_pulls.py -k nowhere_else"),
    Guard("the service's own variables are no secrets of connections", f"{GENERATION}/connectors/secrets.py", "environment.get(VARIABLES + name)", "environment.get(name)", "tests/generation/connectors/test_pulls.py -k nowhere_else"),
    Guard("no pull leads inside", f"{GENERATION}/connectors/reach.py", "if found and all(may_be_called(address, networks, public=True) for address in found):", "if found:", "tests/generation/connectors/test_stores.py -k every_address"),
    Guard("a store's caller goes to its host alone", f"{GENERATION}/connectors/door.py", "if host.lower() not in self._hosts:", "if False:", "tests/generation/connectors/test_stores.py -k 'redirect or one_called'"),
    Guard("the address of a store is looked up once", f"{GENERATION}/connectors/reach.py", "        if key not in self._known:\n", "        if True:\n", "tests/generation/connectors/test_stores.py -k one_called"),
    Guard("no link leads out of the folder of files", f"{GENERATION}/connectors/folders.py", "os.O_RDONLY | os.O_NOFOLLOW |", "os.O_RDONLY |", "tests/generation/connectors/test_files.py -k no_link"),
    Guard("a Delta log stays in its folder", f"{GENERATION}/connectors/stores.py", "        _check_inside(table.file_uris(), place, root)\n", "", "tests/generation/connectors/test_files.py -k delta_log"),
    Guard("DuckDB reaches nothing else", f"{GENERATION}/connectors/engines.py", '"enable_external_access": "false"', '"enable_external_access": "true"', "tests/generation/connectors/test_files.py -k nothing_else"),
    Guard("SQLite is only read", f"{GENERATION}/connectors/engines.py", "return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY", "return sqlite3.SQLITE_OK", "tests/generation/connectors/test_files.py -k sqlite_knows"),
    Guard("a version is noted before its key is made", f"{GENERATION}/use_cases/pulling.py", 'state="sealing", planned_version=version_id)', 'state="sealing")', "tests/generation/connectors/test_kills.py -k keeping"),
    Guard("a lost pull's key is given back", f"{GENERATION}/use_cases/pulling.py", "    await flow.dependencies.policy.give_back_source_key(returned)\n", "", "tests/generation/connectors/test_pulls.py -k leaves_no_key"),
    Guard("a lost pull's objects are removed", f"{GENERATION}/use_cases/pulling.py", "    await asyncio.to_thread(custody.remove, flow.dependencies.objects, folder)\n", "", "tests/generation/connectors/test_kills.py -k keeping"),
    Guard("a pull is checked whole before it is sealed", f"{GENERATION}/use_cases/pulling.py", "        check_fits(await examine(upload))\n", "", "tests/generation/connectors/test_pulls.py -k outside_its_domain"),
    Guard("a query is told to its owner alone", f"{GENERATION}/documents/sources.py", 'update={"asked": None, "digest": None,', "update={", "tests/generation/connectors/test_postgres.py -k owner_alone"),
    Guard("a connection is used by whom its owner names", f"{GENERATION}/use_cases/pulls.py", '    check_own(await connection_owner(work, row.id, row.registered_by), by, "This connection", *row.users)\n', "", "tests/attacks/owners/test_generation.py -k pulls_of_others"),
    Guard("a schedule ends with its owner's right", f"{GENERATION}/use_cases/pulling.py", "        owner = await check_own_source(work, pull.shown.source_id)\n", "        owner = requester.subject\n", "tests/generation/connectors/test_pulls.py -k given_away"),
    Guard("a key that a permit names is not given back", f"{POLICY}/assets/store/assets.py", "if key_id is not None and await self._connection.scalar(\n", "if False and await self._connection.scalar(\n", "tests/policy/test_gate_api.py -k permit_names"),
    Guard("console: a form of another session", f"{CONSOLE}/visits.py", 'if not self.console.signing.seal.is_form_token(self.session.id, self.typed.get("form_token", "")):', "if False:", "tests/console/test_pages.py -k another_site"),
    Guard("console: a form of another site", f"{CONSOLE}/visits.py", "        check_origin(request, console)\n        typed = await", "        typed = await", "tests/console/test_pages.py -k another_site"),
    Guard("console: a stolen cookie", f"{CONSOLE}/signin/signing.py", 'self.endings.end(f"session:{session.id}")', "pass", "tests/console/test_signing.py -k 'stolen or restart'"),
    Guard("console: a session planted before", f"{CONSOLE}/routes/signing.py", 'console.signing.endings.end(f"session:{before.id}")', "pass", "tests/console/test_signing.py -k new_with_every"),
    Guard("console: a state of one use", f"{CONSOLE}/signin/signing.py", 'if not self.endings.end(f"sign-in:{begun.state}"):', "if False:", "tests/console/test_signing.py -k one_use"),
    Guard("console: an answer of another issuer", f"{CONSOLE}/signin/signing.py", "if told_issuer is not None and", "if False and", "tests/console/test_signing.py -k another_issuer"),
    Guard("console: an open redirect", f"{CONSOLE}/signin/signing.py", " or told.startswith(NEVER_TO)", "", "tests/console/test_signing.py -k 'nowhere_else or open_redirect'"),
    Guard("console: a vote of somebody who is not confirmed", f"{CONSOLE}/routes/reviews.py", "        visit.confirmed(fields, back)\n        await visit.ask(_ballot", "        await visit.ask(_ballot", "tests/console/test_pages.py -k 'who_one_is or prove'"),
    Guard("console: somebody else proves it", f"{CONSOLE}/signin/signing.py", "if subject != begun.confirms:", "if False:", "tests/console/test_pages.py -k prove_it"),
    Guard("console: what was kept is one person's", f"{CONSOLE}/visits.py", '(told["path"], told["subject"]) != (self.request.url.path, self.subject)', 'told["path"] != self.request.url.path', "tests/console/test_pages.py -k nobody_else"),
    Guard("console: text stays text", f"{CONSOLE}/pages.py", "autoescape=select_autoescape(default=True, default_for_string=True)", "autoescape=False", "tests/console/test_pages.py -k stay_text"),
    Guard("console: no frame around it", f"{CONSOLE}/pages.py", "        \"frame-ancestors 'none'\",\n", "", "tests/console/test_pages.py -k framed"),
    Guard("console: kept by nobody", f"{CONSOLE}/pages.py", '        "Cache-Control": "no-store",\n', "", "tests/console/test_pages.py -k framed"),
    Guard("console: one renewal for all that ask at once", f"{CONSOLE}/signin/signing.py", "        if session.id not in self._renewing:\n", "        if True:\n", "tests/console/test_signing.py -k at_once"),
    Guard("console: a nonce", f"{CONSOLE}/signin/tokens.py", '"nonce": nonce is not None and told.get("nonce") != nonce', '"nonce": False', "tests/console/test_signing.py -k something_else"),
)  # fmt: skip


class Copy:
    """A copy of the tree, where tests are run."""

    def __init__(self, folder: Path) -> None:
        self._tree = folder
        ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
        for name in ("services", "shared", "client", "deploy", "tests", "openapi"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def notices(self, entry: Guard) -> bool:
        """Whether a test fails on the tree without this guard; that none is found there is no failure."""
        file = self._tree / entry.file
        whole = file.read_text()
        assert whole.count(entry.guard) == 1, f"{entry.invariant}: not once in {entry.file}"
        file.write_text(whole.replace(entry.guard, entry.instead))
        code = self.run(entry.tests)
        file.write_text(whole)
        return code not in {PASSED, NOTHING_FOUND}

    def run(self, tests: str) -> int:
        """pytest's exit code."""
        path = ":".join(str(self._tree / house) for house in HOUSES)
        command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {tests}"
        environment = os.environ | {"PYTHONPATH": path}
        return subprocess.run(command, shell=True, cwd=self._tree, env=environment, capture_output=True).returncode


def try_all(chosen: Queue[Guard], folder: Path) -> int:
    """Try guards in a copy of one's own until none is left; how many no test noticed."""
    copy, idle = Copy(folder), 0
    while True:
        try:
            entry = chosen.get_nowait()
        except Empty:
            return idle
        noticed = copy.notices(entry)
        idle += not noticed
        print(f"{'noticed' if noticed else 'NOT NOTICED'}  {entry.invariant}", flush=True)


def check_green(chosen: Sequence[Guard], folder: Path) -> None:
    """That all tests named pass while every guard stands; otherwise a failure says nothing."""
    files = sorted({entry.tests.split(" ")[0] for entry in chosen})
    whole = [one for one in files if not any(one.startswith(f"{other}/") for other in files)]
    if Copy(folder).run(f"-n {PROCESSORS} {' '.join(whole)}") != PASSED:
        sys.exit("the tests fail with every guard in its place")


def main() -> None:
    """All guards, or those whose names hold one of the words given; as many at once as there are processors."""
    words = sys.argv[1:]
    chosen = [one for one in GUARDS if not words or any(word in one.invariant for word in words)]
    waiting: Queue[Guard] = Queue()
    for entry in chosen:
        waiting.put(entry)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(PROCESSORS) as workers:
        check_green(chosen, Path(folder) / "whole")
        trees = [Path(folder) / f"tree-{number}" for number in range(PROCESSORS)]
        idle = sum(workers.map(partial(try_all, waiting), trees))
    print(f"{len(chosen) - idle} passed, {idle} failed")
    sys.exit(bool(idle))


if __name__ == "__main__":
    main()
