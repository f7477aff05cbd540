"""Works in the public domain for the demo library: author | title | year of the work | Dewey class | volumes."""

WORKS = """
Ada Lovelace | Sketch of the Analytical Engine | 1843 | 004 | 1
Charles Babbage | Passages from the Life of a Philosopher | 1864 | 004 | 1
George Boole | An Investigation of the Laws of Thought | 1854 | 005 | 1
Lewis Carroll | The Game of Logic | 1886 | 006 | 1
Melvil Dewey | A Classification and Subject Index | 1876 | 025 | 1
Gabriel Naudé | Instructions Concerning Erecting of a Library | 1627 | 027 | 1
Richard de Bury | The Philobiblon | 1345 | 028 | 1
Samuel Johnson | The Rambler | 1750 | 052 | 3
Joseph Addison | The Spectator | 1711 | 052 | 3
Plato | The Republic | 1871 | 184 | 1
Plato | Phaedrus | 1871 | 184 | 1
Aristotle | Nicomachean Ethics | 1869 | 185 | 1
Marcus Aurelius | Meditations | 1862 | 188 | 1
Epictetus | The Enchiridion | 1758 | 188 | 1
Boethius | The Consolation of Philosophy | 1897 | 189 | 1
René Descartes | A Discourse on Method | 1637 | 194 | 1
Baruch Spinoza | Ethics | 1677 | 199 | 1
David Hume | A Treatise of Human Nature | 1739 | 192 | 2
John Locke | An Essay Concerning Humane Understanding | 1689 | 121 | 2
Immanuel Kant | The Critique of Pure Reason | 1781 | 193 | 1
Friedrich Nietzsche | Thus Spake Zarathustra | 1883 | 193 | 1
William James | The Principles of Psychology | 1890 | 150 | 2
Michel de Montaigne | Essays | 1580 | 844 | 3
Blaise Pascal | Pensées | 1670 | 239 | 1
Augustine of Hippo | The Confessions | 1887 | 270 | 1
Thomas à Kempis | The Imitation of Christ | 1418 | 242 | 1
John Bunyan | The Pilgrim's Progress | 1678 | 243 | 1
William James | The Varieties of Religious Experience | 1902 | 204 | 1
James George Frazer | The Golden Bough | 1890 | 291 | 4
Thomas Bulfinch | Bulfinch's Mythology | 1867 | 292 | 1
Edwin Arnold | The Light of Asia | 1879 | 294 | 1
Niccolò Machiavelli | The Prince | 1532 | 320 | 1
Thomas Hobbes | Leviathan | 1651 | 320 | 1
Jean-Jacques Rousseau | The Social Contract | 1762 | 320 | 1
Alexis de Tocqueville | Democracy in America | 1835 | 321 | 2
Mary Wollstonecraft | A Vindication of the Rights of Woman | 1792 | 305 | 1
John Stuart Mill | On Liberty | 1859 | 323 | 1
Adam Smith | The Wealth of Nations | 1776 | 330 | 2
Karl Marx | Capital | 1867 | 335 | 3
Thorstein Veblen | The Theory of the Leisure Class | 1899 | 305 | 1
W. E. B. Du Bois | The Souls of Black Folk | 1903 | 305 | 1
Jane Addams | Twenty Years at Hull-House | 1910 | 361 | 1
Florence Nightingale | Notes on Nursing | 1859 | 362 | 1
John Dewey | Democracy and Education | 1916 | 370 | 1
Maria Montessori | The Montessori Method | 1912 | 372 | 1
Jacob Grimm | Household Tales | 1812 | 398 | 2
Joseph Jacobs | English Fairy Tales | 1890 | 398 | 1
Andrew Lang | The Blue Fairy Book | 1889 | 398 | 1
Samuel Johnson | A Dictionary of the English Language | 1755 | 423 | 2
Peter Mark Roget | Thesaurus of English Words and Phrases | 1852 | 428 | 1
Henry Watson Fowler | The King's English | 1906 | 428 | 1
L. L. Zamenhof | Fundamento de Esperanto | 1905 | 499 | 1
Henry Sweet | A Handbook of Phonetics | 1877 | 414 | 1
William Dwight Whitney | Language and the Study of Language | 1867 | 401 | 1
Euclid | The Elements | 1908 | 516 | 3
Edwin A. Abbott | Flatland | 1884 | 510 | 1
Henri Poincaré | Science and Hypothesis | 1902 | 501 | 1
Galileo Galilei | Dialogues Concerning Two New Sciences | 1638 | 531 | 1
Isaac Newton | The Mathematical Principles of Natural Philosophy | 1687 | 531 | 2
Isaac Newton | Opticks | 1704 | 535 | 1
Michael Faraday | The Chemical History of a Candle | 1861 | 540 | 1
Michael Faraday | Experimental Researches in Electricity | 1839 | 537 | 3
James Clerk Maxwell | A Treatise on Electricity and Magnetism | 1873 | 537 | 2
Albert Einstein | Relativity: The Special and General Theory | 1916 | 530 | 1
Camille Flammarion | Popular Astronomy | 1880 | 520 | 1
Percival Lowell | Mars and Its Canals | 1906 | 523 | 1
Charles Lyell | Principles of Geology | 1830 | 551 | 3
Charles Darwin | On the Origin of Species | 1859 | 576 | 1
Charles Darwin | The Voyage of the Beagle | 1839 | 508 | 1
Charles Darwin | The Descent of Man | 1871 | 599 | 2
Alfred Russel Wallace | The Malay Archipelago | 1869 | 508 | 1
Alexander von Humboldt | Cosmos | 1845 | 508 | 4
Gilbert White | The Natural History of Selborne | 1789 | 508 | 1
Jean-Henri Fabre | The Life of the Spider | 1912 | 595 | 1
John James Audubon | Ornithological Biography | 1831 | 598 | 3
Henry Gray | Anatomy of the Human Body | 1858 | 611 | 1
Robert Koch | The Aetiology of Tuberculosis | 1882 | 616 | 1
Isabella Beeton | The Book of Household Management | 1861 | 640 | 1
Fannie Farmer | The Boston Cooking-School Cook Book | 1896 | 641 | 1
Frederick Winslow Taylor | The Principles of Scientific Management | 1911 | 658 | 1
Wilbur Wright | The Early History of the Airplane | 1908 | 629 | 1
Samuel Smiles | Lives of the Engineers | 1861 | 620 | 3
Nikola Tesla | Experiments with Alternate Currents | 1892 | 621 | 1
John Ruskin | The Stones of Venice | 1851 | 720 | 3
John Ruskin | Modern Painters | 1843 | 750 | 4
Giorgio Vasari | Lives of the Artists | 1550 | 709 | 4
Leonardo da Vinci | The Notebooks | 1888 | 709 | 2
Owen Jones | The Grammar of Ornament | 1856 | 745 | 1
William Morris | Hopes and Fears for Art | 1882 | 701 | 1
Hector Berlioz | A Treatise on Modern Instrumentation | 1844 | 784 | 1
Izaak Walton | The Compleat Angler | 1653 | 799 | 1
José Raúl Capablanca | Chess Fundamentals | 1921 | 794 | 1
Homer | The Iliad | 1865 | 883 | 1
Homer | The Odyssey | 1879 | 883 | 1
Virgil | The Aeneid | 1697 | 873 | 1
Ovid | Metamorphoses | 1717 | 873 | 1
Sophocles | Oedipus the King | 1887 | 882 | 1
Dante Alighieri | The Divine Comedy | 1814 | 851 | 3
Giovanni Boccaccio | The Decameron | 1353 | 853 | 2
Miguel de Cervantes | Don Quixote | 1605 | 863 | 2
Geoffrey Chaucer | The Canterbury Tales | 1400 | 821 | 1
William Shakespeare | Hamlet | 1603 | 822 | 1
William Shakespeare | The Tempest | 1623 | 822 | 1
William Shakespeare | Twelfth Night | 1623 | 822 | 1
John Milton | Paradise Lost | 1667 | 821 | 1
William Wordsworth | Lyrical Ballads | 1798 | 821 | 1
Elizabeth Barrett Browning | Sonnets from the Portuguese | 1850 | 821 | 1
Daniel Defoe | Robinson Crusoe | 1719 | 823 | 1
Jonathan Swift | Gulliver's Travels | 1726 | 823 | 1
Jane Austen | Pride and Prejudice | 1813 | 823 | 1
Jane Austen | Sense and Sensibility | 1811 | 823 | 1
Jane Austen | Emma | 1815 | 823 | 1
Jane Austen | Persuasion | 1817 | 823 | 1
Mary Shelley | Frankenstein | 1818 | 823 | 1
Charlotte Brontë | Jane Eyre | 1847 | 823 | 1
Emily Brontë | Wuthering Heights | 1847 | 823 | 1
William Makepeace Thackeray | Vanity Fair | 1848 | 823 | 2
Charles Dickens | David Copperfield | 1850 | 823 | 2
Charles Dickens | Bleak House | 1853 | 823 | 2
Charles Dickens | Great Expectations | 1861 | 823 | 1
Charles Dickens | A Tale of Two Cities | 1859 | 823 | 1
George Eliot | Middlemarch | 1871 | 823 | 2
Lewis Carroll | Alice's Adventures in Wonderland | 1865 | 823 | 1
Robert Louis Stevenson | Treasure Island | 1883 | 823 | 1
Arthur Conan Doyle | The Adventures of Sherlock Holmes | 1892 | 823 | 1
Oscar Wilde | The Picture of Dorian Gray | 1890 | 823 | 1
Bram Stoker | Dracula | 1897 | 823 | 1
H. G. Wells | The Time Machine | 1895 | 823 | 1
H. G. Wells | The War of the Worlds | 1898 | 823 | 1
Rudyard Kipling | The Jungle Book | 1894 | 823 | 1
Joseph Conrad | Heart of Darkness | 1899 | 823 | 1
Kenneth Grahame | The Wind in the Willows | 1908 | 823 | 1
James Joyce | Dubliners | 1914 | 823 | 1
Nathaniel Hawthorne | The Scarlet Letter | 1850 | 813 | 1
Herman Melville | Moby-Dick | 1851 | 813 | 1
Louisa May Alcott | Little Women | 1868 | 813 | 1
Mark Twain | Adventures of Huckleberry Finn | 1884 | 813 | 1
Henry James | The Portrait of a Lady | 1881 | 813 | 2
Edith Wharton | The Age of Innocence | 1920 | 813 | 1
L. Frank Baum | The Wonderful Wizard of Oz | 1900 | 813 | 1
Jack London | The Call of the Wild | 1903 | 813 | 1
Walt Whitman | Leaves of Grass | 1855 | 811 | 1
Emily Dickinson | Poems | 1890 | 811 | 1
Henry David Thoreau | Walden | 1854 | 818 | 1
Johann Wolfgang von Goethe | Faust | 1808 | 832 | 2
Johann Wolfgang von Goethe | The Sorrows of Young Werther | 1774 | 833 | 1
Theodor Fontane | Effi Briest | 1895 | 833 | 1
Franz Kafka | The Metamorphosis | 1915 | 833 | 1
Voltaire | Candide | 1759 | 843 | 1
Victor Hugo | Les Misérables | 1862 | 843 | 4
Alexandre Dumas | The Count of Monte Cristo | 1844 | 843 | 3
Alexandre Dumas | The Three Musketeers | 1844 | 843 | 1
Gustave Flaubert | Madame Bovary | 1857 | 843 | 1
Jules Verne | Twenty Thousand Leagues Under the Sea | 1870 | 843 | 1
Jules Verne | Around the World in Eighty Days | 1873 | 843 | 1
Émile Zola | Germinal | 1885 | 843 | 1
Marcel Proust | Swann's Way | 1913 | 843 | 1
Henrik Ibsen | A Doll's House | 1879 | 839 | 1
Selma Lagerlöf | The Wonderful Adventures of Nils | 1906 | 839 | 1
Hans Christian Andersen | Fairy Tales | 1835 | 839 | 1
Nikolai Gogol | Dead Souls | 1842 | 891 | 1
Leo Tolstoy | War and Peace | 1869 | 891 | 4
Leo Tolstoy | Anna Karenina | 1878 | 891 | 2
Fyodor Dostoevsky | Crime and Punishment | 1866 | 891 | 1
Fyodor Dostoevsky | The Brothers Karamazov | 1880 | 891 | 2
Anton Chekhov | The Cherry Orchard | 1904 | 891 | 1
Rabindranath Tagore | Gitanjali | 1910 | 891 | 1
Murasaki Shikibu | The Tale of Genji | 1882 | 895 | 2
Machado de Assis | Dom Casmurro | 1899 | 869 | 1
Herodotus | The Histories | 1858 | 930 | 2
Thucydides | The Peloponnesian War | 1874 | 938 | 1
Julius Caesar | The Gallic War | 1869 | 937 | 1
Edward Gibbon | The Decline and Fall of the Roman Empire | 1776 | 937 | 6
Marco Polo | The Travels | 1300 | 915 | 2
Isabella Bird | Unbeaten Tracks in Japan | 1880 | 915 | 1
Mary Kingsley | Travels in West Africa | 1897 | 916 | 1
Robert Falcon Scott | The Voyage of the Discovery | 1905 | 919 | 2
Fridtjof Nansen | Farthest North | 1897 | 919 | 2
Benjamin Franklin | The Autobiography | 1793 | 920 | 1
James Boswell | The Life of Samuel Johnson | 1791 | 920 | 2
Frederick Douglass | Narrative of the Life of Frederick Douglass | 1845 | 920 | 1
Thomas Babington Macaulay | The History of England | 1848 | 942 | 5
Thomas Carlyle | The French Revolution | 1837 | 944 | 3
Jacob Burckhardt | The Civilization of the Renaissance in Italy | 1860 | 945 | 1
William H. Prescott | The Conquest of Mexico | 1843 | 972 | 3
Francis Parkman | The Oregon Trail | 1849 | 978 | 1
Ulysses S. Grant | Personal Memoirs | 1885 | 973 | 2
"""
