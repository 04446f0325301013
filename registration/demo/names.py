"""Surnames and first names that are common in the United States, by origin, for invented people.

Each list starts with the most frequent name.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The origin of a family's names. `spoken` is the percentage of these families that speak `language` at home."""

    share: int
    surnames: list[str]
    girls: list[str]
    boys: list[str]
    language: str = "en"
    spoken: int = 0


def _split_names(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split(",")]


EUROPEAN: Final = Origin(
    share=58,
    surnames=_split_names(
        """Smith, Johnson, Anderson, Miller, Brown, Davis, Wilson, Olson, Nelson, Larson, Peterson, Moore, Thompson,
        White, Harris, Clark, Lewis, Walker, Hall, Allen, Young, King, Wright, Hill, Green, Adams, Baker, Campbell,
        Mitchell, Roberts, Carter, Phillips, Evans, Turner, Parker, Collins, Edwards, Stewart, Morris, Murphy, Cook,
        Rogers, Morgan, Cooper, Reed, Bailey, Kelly, Howard, Ward, Cox, Richardson, Wood, Watson, Brooks, Bennett,
        Gray, Hughes, Price, Myers, Long, Foster, Sanders, Ross, Powell, Sullivan, Russell, Jenkins, Perry, Barnes,
        Fisher, Henderson, Coleman, Simmons, Patterson, Gallagher, Reynolds, Hamilton, Graham, Wallace, Cole, West,
        Hayes, Gibson, Bryant, Ellis, Stevens, Ford, Marshall, Owens, McDonald, Lindgren, Wells, Dixon, Hunter,
        D'Angelo, Crawford, Boyd, Mason, Fox, Warren, Mills, Rice, Burns, Daniels, Palmer, Weber, Schmidt, Schultz,
        Meyer, Wagner, Becker, Hoffman, Hansen, Jensen, Christensen, Sorensen, Lindberg, Lundgren, Erickson, Carlson,
        Swanson, Halvorson, Knutson, Nowak, Kowalski, Novak, Petrov, Rossi, Moretti, O'Brien, O'Connor, O'Neill,
        Hicks, Müller, St. Clair, Johansson, Sjöberg, Lefèvre, de Vries, van Dyke, MacLeod"""
    ),
    girls=_split_names(
        """Olivia, Harper, Ava, Charlotte, Sophie, Amalia, Evelyn, Abigail, Emily, Ella, Elizabeth, Avery, Scarlett,
        Grace, Lily, Aria, Nora, Susanna, Zoey, Stella, Lucy, Hazel, Violet, Aurora, Audrey, Quinn, Claire, Skylar,
        Anna, Caroline, Paige, Samantha, Maya, Willow, Naomi, Ruby, Eva, Alice, Madeline, Cora, Julia, Sadie,
        Katherine, Josephine, Eliza, Ivy, Margaret, Rose, Clara, Heidi, Kirsten, Britta, Annika, Ingrid, Marit,
        Rebecca, Rachel, Leah, Jessica, Megan, Nicole, Heather, Amanda, Melissa, Stephanie, Tessa, Erin, Kelsey,
        Zoë, Chloé, Renée"""
    ),
    boys=_split_names(
        """Liam, Noah, Oliver, Elijah, Lucas, Theodore, Levi, Mason, Ethan, Logan, Owen, Jacob, Asher, Aiden, Everett,
        Leo, Julius, Hudson, Grayson, Isaac, Gabriel, Dylan, Lincoln, Caleb, Josiah, Christopher, Nathan, Andrew, Eli,
        Aaron, Nicholas, Colton, Easton, Carson, Brayden, Landon, Weston, Micah, Jonah, Silas, Ezra, Miles, Elliot,
        Emmett, Declan, Rowan, Gavin, Jasper, Beckett, Brody, Wendell, Simon, Tobias, Felix, Marcus, Frederick, Soren,
        Anders, Erik, Nils, Gunnar, Finn, Brian, Timothy, Travis, Dustin, Kyle, Joel, Corey, Derek, Brent, Craig,
        Jürgen, François"""
    ),
)

ORIGINS: Final = [
    EUROPEAN,
    Origin(
        share=16,
        language="es",
        spoken=75,
        surnames=_split_names(
            """García, Rodríguez, Martínez, Hernández, López, González, Pérez, Sánchez, Ramírez, Torres, Flores, Rivera,
            Gómez, Díaz, Reyes, Cruz, Morales, Ortiz, Gutiérrez, Chávez, Ramos, Ruiz, Mendoza, Álvarez, Castillo,
            Jiménez, Vásquez, Romero, Moreno, Herrera, Medina, Aguilar, Vargas, Guzmán, Muñoz, de la Cruz, Peña,
            Delgado, Ibáñez"""
        ),
        girls=_split_names(
            """Sofía, Isabella, Valentina, Camila, Lucía, María, Ximena, Elena, Daniela, Mariana, Gabriela, Natalia,
            Andrea, Paola, Alejandra, Verónica, Guadalupe, Rosa, Carmen, Yesenia"""
        ),
        boys=_split_names(
            """Mateo, Santiago, José, Diego, Ángel, Iker, Leonel, Tadeo, Miguel, Emiliano, Javier, Adrián, Andrés,
            Alejandro, Joaquín, Rafael, Sergio, Martín, Damián, Fermín"""
        ),
    ),
    Origin(
        share=6,
        language="so",
        spoken=45,
        surnames=_split_names(
            "Mohamed, Ali, Hassan, Abdi, Ahmed, Hussein, Osman, Warsame, Farah, Jama, Nur, Yusuf, Isse"
        ),
        girls=_split_names("Amran, Fatuma, Hodan, Khadra, Ifrah, Sahra, Hamdi, Ayan, Nasra, Fowsia"),
        boys=_split_names("Abdirahman, Mahad, Yahya, Liban, Zakaria, Samatar, Guled, Khalid, Idris, Ayub"),
    ),
    Origin(
        share=5,
        language="hmn",
        spoken=30,
        surnames=_split_names("Vang, Xiong, Yang, Lor, Thao, Her, Moua, Vue, Lee, Cha"),
        girls=_split_names("Mai, Pa Nhia, Kia, Bao, Nkauj, Gao Sheng, Yer, Maly, Pachia, Sheng"),
        boys=_split_names("Tou, Kong, Meng, Chue, Toua, Nhia, Fue, Xeng, Cheng"),
    ),
    Origin(
        share=4,
        language="vi",
        spoken=40,
        surnames=_split_names("Nguyễn, Trần, Lê, Phạm, Huỳnh, Võ, Đặng, Bùi, Đỗ, Ngô"),
        girls=_split_names("Linh, Mai, Thảo, Hương, Lan, Ngọc, Trinh, Vy, Quỳnh"),
        boys=_split_names("Minh, Huy, Tuấn, Khoa, Đức, Bảo, Phúc, Quân, Long"),
    ),
    Origin(
        share=4,
        surnames=_split_names(
            "Okafor, Mensah, Diallo, Tesfaye, Bekele, N'Diaye, Owusu, Adeyemi, Kamau, Toure, Wolde, Eze"
        ),
        girls=_split_names("Ada, Amara, Zainab, Abena, Fatou, Selam, Hanna, Wanjiru, Ifeoma, Aïcha"),
        boys=_split_names("Obi, Kwame, Emeka, Dawit, Kofi, Tunde, Amadou, Yonas, Chidi, Kamau"),
    ),
    Origin(
        share=3,
        surnames=_split_names("Patel, Singh, Sharma, Shah, Reddy, Gupta, Kumar, Rao, Iyer, Desai, Khan, Nair"),
        girls=_split_names("Anaya, Tara, Meera, Kavya, Anika, Riya, Pooja, Sana, Lakshmi"),
        boys=_split_names("Advait, Rohan, Aarav, Vihaan, Nikhil, Ishaan, Varun, Sameer, Kiran"),
    ),
    Origin(
        share=2,
        surnames=_split_names("Al-Sayed, Haddad, Khalil, Nasser, Mansour, El-Amin, Najjar, Saleh"),
        girls=_split_names("Layla, Noor, Salma, Yasmin, Rania, Dina, Hala"),
        boys=_split_names("Omar, Karim, Tariq, Sami, Ziad, Faris, Nabil"),
    ),
    Origin(
        share=2,
        surnames=_split_names("Chen, Wang, Kim, Liu, Zhang, Park, Huang, Wu, Tanaka, Santos, Choi, Reyes"),
        girls=_split_names("Mei, Grace, Hana, Yuna, Jia, Lina, Angela, Joy"),
        boys=_split_names("Wei, Jun, Daniel, Ken, Hao, Marco, Paolo, Min-jun"),
    ),
]

GOES_BY: Final = {
    "Elizabeth": "Lizzie",
    "Katherine": "Katie",
    "Josephine": "Josie",
    "Abigail": "Abby",
    "Madeline": "Maddie",
    "Samantha": "Sam",
    "Theodore": "Teddy",
    "Christopher": "Kit",
    "Andrew": "Drew",
    "Nathan": "Nate",
    "Gabriel": "Gabe",
    "Nicholas": "Nick",
    "Timothy": "Tim",
    "Tobias": "Toby",
    "Frederick": "Freddie",
    "Alejandra": "Ale",
    "Guadalupe": "Lupita",
    "José": "Pepe",
    "Abdirahman": "Abdi",
}

STREETS: Final = _split_names(
    """Maple Street, Birch Lane, Oak Avenue, Cedar Court, Lakeview Drive, Prairie Road, Second Street, Third Avenue,
    Elm Street, Heron Way, Orchard Road, Mill Street, Aspen Circle, Juniper Lane, Old Ferry Road, Sunset Drive,
    Church Street, Meadow Lane, Pine Ridge Road, Willow Bend"""
)
