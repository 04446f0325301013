"""First names and their nicknames in the United States: Bill is short for William.

The table has common names only. This module uses no database and no settings.
"""

from collections import defaultdict
from typing import Final

# Each line has the names that one person may use, the full name first. They are folded as in patients.names.
_GROUPS: Final = """
abigail abby gail
alexander alex al sasha xander
alexandra alex allie lexi sandra sasha
amanda mandy
andrew andy drew
anthony tony
barbara barb babs
benjamin ben benny benji
cameron cam
caroline carrie caro
catherine kate katie cathy cat kitty kathryn katherine
charles charlie chuck chas
charlotte charlie lottie
christina chris tina christy
christopher chris topher kit
daniel dan danny
david dave davey
deborah deb debbie
dorothy dot dottie
edward ed eddie ted ned
eleanor ellie nora nell
elizabeth liz beth betsy betty eliza lizzie libby
emily em emmy
francisco paco pancho frank
francis frank fran
gabriel gabe
gabriella gabby ella
gregory greg
guadalupe lupe lupita
henry hank harry hal
isabella bella izzy isa
jacob jake
james jim jimmy jamie
jennifer jen jenny
jessica jess jessie
jesus chuy
john johnny jack
jonathan jon nathan
jose pepe
joseph joe joey
joshua josh
judith judy
kenneth ken kenny
kimberly kim
lawrence larry
leonardo leo
lillian lily lil
madeline maddie
madison maddie
margaret maggie meg peggy marge greta
maria mari mary
matthew matt
maximilian max
megan meg
michael mike mickey mikey
michelle shelly
natalie nat
nathaniel nate nathan nat
nicholas nick nicky
nicole nikki
olivia liv livvy
pamela pam
patricia pat patty trish tricia
patrick pat paddy
peter pete
philip phil
rebecca becky becca
richard rick dick richie rich
robert bob rob bobby robbie bert
ronald ron ronnie
rosario charo
samantha sam sammy
samuel sam sammy
savannah savvy
sebastian seb bash
sophia sophie sofia
stephanie steph
stephen steven steve
susan sue susie
theodore ted theo teddy
theresa terry tess tessa
thomas tom tommy
timothy tim
victoria vicky tori
vincent vince vinny
virginia ginny
william bill billy will willie liam
zachary zach zack
"""


def _table() -> dict[str, list[str]]:
    others: defaultdict[str, list[str]] = defaultdict(list)
    for line in _GROUPS.split("\n"):
        group = line.split()
        for name in group:
            others[name].extend(other for other in group if other != name and other not in others[name])
    return dict(others)


_OTHERS: Final = _table()


def others(first: str) -> list[str]:
    """Return the names under which a person called `first` may be on record. All names are folded.

    >>> others("bill")
    ['william', 'billy', 'will', 'willie', 'liam']
    >>> others("ted"), others("zbigniew")
    (['edward', 'ed', 'eddie', 'ned', 'theodore', 'theo', 'teddy'], [])
    """
    return _OTHERS.get(first, [])
