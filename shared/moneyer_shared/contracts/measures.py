"""What figures of an assay are called, and what they mean in a sentence: the same words on every page."""

from collections.abc import Mapping

SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Privacy: what attackers gain beyond what the population tells": {
        "membership-auc": (
            "Membership inference, by distance",
            "0.5: an attacker cannot tell who was learned from. 1: always.",
        ),
        "membership-density-auc": ("Membership inference, by density", "The same, by where the table is denser."),
        "membership-isolated-auc": ("Membership of the most isolated", "The same for the twentieth farthest off."),
        "membership-group-auc": ("Membership, worst protected group", "The same for the group it does best on."),
        "membership-shadow-auc": ("Membership, learned", "The same by an attacker who learned on tables of its own."),
        "membership-tpr-at-1pct-fpr": ("Members named, one false in 100", "About 0.01 if nothing leaks."),
        "membership-tpr-at-0.1pct-fpr": ("Members named, one false in 1,000", "About 0.001 if nothing leaks."),
        "singling-out-risk": ("Singling out", "Predicates that isolate one person, beyond chance."),
        "singling-out-univariate-risk": ("Singling out by one column", "The same by a single value."),
        "external-linkage-risk": ("Linkage with a named table", "What it adds to what is known of people named there."),
        "linkability-risk": ("Linkability", "Links between two holders of different columns, minus those by chance."),
        "attribute-inference-risk": ("Attribute inference", "Sensitive values guessed right, beyond people held out."),
        "reidentification-excess": ("Re-identification", "How much surer people learned from are found than others."),
        "reidentification-marketer-risk": ("Re-identification, marketer", "Expected share found by guessing."),
        "exact-copy-excess": ("Exact copies", "People whose very row stands in the table, beyond chance."),
        "near-copy-excess": ("Near copies", "The same, but for one column."),
    },
    "Fidelity: how like the real rows": {
        "marginal-tvd-mean": (
            "Columns: total variation distance",
            "Mean over columns. 0: the same; 1: nothing in common.",
        ),
        "marginal-tvd-max": ("Worst column", "The largest total variation distance of a column."),
        "pairwise-tvd-mean": ("Pairs of columns", "Mean total variation distance of two columns together."),
        "triple-tvd-mean": ("Triples of columns", "Mean total variation distance of three columns together."),
        "subgroup-tvd-excess-max": ("Worst group", "How much worse the columns of the worst protected group are."),
        "constraint-violations": ("Broken rules", "Share of rows that break a rule declared of the source."),
        "unseen-combinations-excess": (
            "Unseen combinations",
            "Rows no real row is like in two categories, over chance.",
        ),
        "k-marginal-score-2": ("NIST score, pairs", "1000: the same; 0: nothing in common."),
        "k-marginal-score-3": ("NIST score, triples", "Likewise for three columns."),
        "correlation-difference-mean": ("Correlations", "Half the mean difference of numeric columns' correlations."),
        "detection-auc": ("Told apart by a classifier", "0.5: it cannot tell made rows from real ones."),
        "coverage": ("Coverage", "Share of real rows with a made row in their neighbourhood."),
        "density": ("Density", "About 1 where made rows lie as densely as real ones."),
        "missingness-difference-max": ("Missing values", "Largest difference in a column's share of missing values."),
    },
    "Utility: what an analyst gets": {
        "utility-gap": (
            "Train on synthetic, test on real: trees",
            "How much worse a model is for having learned from this table.",
        ),
        "utility-gap-linear": ("Train on synthetic, test on real: linear", "The same for a linear model."),
        "utility-gap-targets-max": ("Several targets", "The largest loss of trees over several columns to predict."),
        "importance-agreement": ("What matters", "1: both models look at the same columns."),
        "query-count-error-mean": ("Counts", "Mean error of a share asked of random ranges."),
        "query-mean-error-mean": ("Means", "Mean error of a mean, as a share of the column's range."),
    },
    "Fairness: between groups": {
        "representation-gap-max": (
            "Presence of groups",
            "Largest difference between a group's share here and among real rows.",
        ),
        "reference-share-gap-max": (
            "Published shares",
            "Largest difference between a group's share and the published.",
        ),
        "disparate-impact-ratio": (
            "Disparate impact (four fifths)",
            "Lowest rate of an outcome over the highest; 0.8 is a warning.",
        ),
        "demographic-parity-difference": (
            "Demographic parity",
            "Difference in how often a model says yes to two groups.",
        ),
        "equalised-odds-difference": ("Equalised odds", "Difference in how often it is right or wrong to say yes."),
        "group-calibration-gap-max": (
            "Calibration by group",
            "Largest difference between what it expects and what happens.",
        ),
    },
}
"""Title and meaning of every metric, by section, in the order they are shown in."""
MEANINGS: Mapping[str, tuple[str, str]] = {
    metric: said for section in SECTIONS.values() for metric, said in section.items()
}
