"""What is shown of an asset with the word of policy and evaluation, and proved."""
