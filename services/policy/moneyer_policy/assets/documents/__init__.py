"""What goes over the wire of assets, and what is kept of them."""
