"""How values are read: by what Arrow says they are, exactly, and never by way of text unless text is what they are.

Each reading takes an array of one form and a domain and gives what the column holds at rest (labels and texts as text,
whole numbers and steps as int64, numbers as float64), and which rows could not be read or lie beyond any domain.
"""
