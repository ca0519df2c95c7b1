"""Index cards and labels, on sheets such as Avery 5388 or on rolls.

    source         reads an item and its image
    content        what a card says, taken from an item and its supplier links
    layout         the layout of a card: boxes in points, without drawing
    labels         the layout of a label, which has less text
    stock          the sheets and rolls that are known
    drawing        the boxes as PDF operators
    sheet          pages, title, language and structure: the PDF
    alignment      a page for adjusting the printer
    photo          the item's image as the JPEG that the PDF embeds
    text           lines that fit a box
    fonts          the font for each character
    bidirectional  the order of characters in lines with Hebrew or Arabic
    shaping        lines as glyphs
    embedding      fonts in the PDF
    colours        category colours and their contrast
    structure      the tags that screen readers follow

It imports reportlab and Pillow: only functions with the layer `cards` import it.
"""
