"""What anybody may read of assets and charters, and say of them."""
