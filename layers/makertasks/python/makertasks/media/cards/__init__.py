"""Index cards on Avery 5388 sheets: US Letter, three cards of 5 by 3 inches.

    source      reads an item and its image
    content     what a card says, taken from an item and its supplier links
    layout      where it stands: boxes in points, without drawing
    drawing     the boxes as PDF operators
    sheet       pages, title, language and structure: the PDF
    photo       the item's image as the JPEG that the PDF embeds
    fonts       which font draws which letter
    colours     category colours and their contrast
    structure   the tags that screen readers follow

It imports reportlab and Pillow: only functions with the layer `cards` import it.
"""
