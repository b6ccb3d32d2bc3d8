package autobahn

import "strings"

// The words of the corpora.

var firstNames = strings.Fields(`Ada Alan Amir Anna Bela Boris Carla Chen Clara Dora Edgar Elena Emil Esra Farid
Felix Fiona Greta Hana Hugo Ines Ivan Jana Jonas Judith Kamal Karl Lena Leo Luisa Mara Milan Mina Nadia Nils Nora
Olga Omar Oscar Paula Pavel Petra Quentin Rafael Ravi Rosa Ruth Samira Selma Simon Stella Tara Tomas Ulla Vera
Viktor Wanda Xenia Yusuf Zoe`)

var lastNames = strings.Fields(`Abbot Adler Baker Barros Becker Bell Bianchi Brook Carter Castro Cooper Dahl Diaz
Dubois Fischer Fletcher Fuchs Garcia Gold Haas Hansen Harper Hill Ito Ivanov Jansen Keller King Klein Kovac
Lambert Larsen Lopez Mason Meyer Miller Moreau Nagy Novak Ortiz Parker Petrov Quist Reed Rossi Sato Schmidt Silva
Singh Sousa Stone Tanaka Turner Ueda Vogel Wagner Weber Wolf Young Zeman`)

var english = strings.Fields(`the of and to in a is that it for was on are as with they at be this from have or by
one had not but what all were when we there can an your which their said if do will each about how up out them then
she many some so these would other into has more her two like him see time could no make than first been its who now
people my made over did down only way find use may water long little very after words called just where most know get
through back much before go good new write our used me man too any day same right look think also around another came
come work three word must because does part even place well such here take why things help put years different away
again off went old number great tell men say small every found still between name should home big give air line set
own under read last never us left end along while might next sound below saw something thought both few those always
looked show large often together asked house world going want school important until form food keep children feet
land side without boy once animals life enough took sometimes four head above kind began almost live page got earth
need far hand high year mother light parts country father let night following picture being study second eyes soon
times story boys since white days ever paper hard near sentence better best across during today others however sure
means knew try told young miles sun ways thing whole hear example heard several change answer room sea against top
turned learn point city play toward five using himself usually money seen car morning given winter harbour ladder
copper garden lantern meadow orchard pebble ribbon saddle thunder velvet window yellow barley candle drawer feather
glacier hammer island jacket kettle lemon marble needle oyster pepper quarry raven silver timber umbrella valley
walnut anchor bridge canyon desert engine forest gravel hollow insect journey kitchen library mirror nephew onion
pocket quilt river shadow tunnel uncle village whistle`)

// The words of the German play.

var speakers = strings.Fields(`WANDERER GRÄFIN MÜLLER KÖNIGIN SCHÄFER MÄRTE RÜDIGER KASTELLAN BÖTTCHER CHOR`)

var places = []string{
	"Im Wald bei Nacht", "Vor den Toren der Stadt", "Ein enges Zimmer", "Am Ufer des Flusses",
	"In der Mühle", "Auf dem Kirchhof", "Ein hoher Saal mit Bögen", "Straße im Gebirge",
}

var particles = strings.Fields(`und die der ich das nicht zu in du den es ist so ein mit sich wie was doch mir er
auf nur mich auch dir da uns an dem hier noch wenn sie nun wir sein aus bei dich nach schon wohl von im mein daß dein
hat wer ihn euch für hab als vor am über nichts ihr eine dann immer kein muß will kann soll laß durch gar ach zum war
wo unter bin bist um gegen ohne jetzt bald alles nie`)

var adjectives = strings.Fields(`alt arm bang blass blind böse breit bunt dicht dunkel dürr edel eng ernst ewig fahl
falsch fein fern fest frei fremd froh früh geheim gering gleich groß grün gut hart heilig heiß hell herb hoch hold
jung kahl kalt karg keck klar klein klug krank kühl kühn kurz lang lau leer leicht leis lieb matt mild müd mutig nah
nass neu öd rauh rein reich rot ruhig sanft satt scharf scheu schlau schlicht schmal schnell schön schwach schwarz
schwer selig stark starr steil still stolz streng stumm süß tief toll träg treu trüb wahr warm weich weis weit welk
wild wund zart zahm`)

var verbs = strings.Fields(`acht ahn atm bau beb beug bind blas bleib blick blüh brech brenn bring dank denk dien
droh drück dräng eil fall fass fehl find flamm flatter flieh fließ fluch folg frag freu fühl führ geb glaub gleit
glüh grab greif grüß halt hass heb heil helf hoff hör irr jag klag kling klopf knie komm krieg küss lach lass leb leg
lehr leid leuchter lieb lob lock lös mal meid merk nehm neid nenn pack pfleg pflück prüf quäl raff rast rauch rausch
red reich reiß reit ring roll ruf ruh rühr sag sammel schaff schau schein schenk scheu schick schlaf schlag schließ
schmück schreck schreib schrei schreit schweb schweig schwing schwör seh send sing sink sinn sitz spann spiel spott
sprech spring spür stand steig stell sterb stör straf streb streif streit such tanz tauch tauf trag trau traum treib
trenn tret trink tröst üb wach wag wähl wander wart web wehr weich wein werf wieg wink wirk wohn wühl zahl zähl zeig
zerr zieh zitter zürn`)

var nouns = strings.Fields(`Abend Acker Ader Adler Amt Angst Arm Asche Ast Auge Bach Bahn Band Bann Bart Bauch Baum
Becher Berg Bett Bild Blatt Blick Blitz Blut Boden Bogen Bote Brand Braut Brot Bruder Brunnen Brust Buch Burg Dach
Dampf Dank Dieb Dorn Drache Duft Dunst Ecke Ehre Eid Eile Eis Engel Erbe Erde Erz Faden Fahne Feder Feind Feld Fels
Fenster Feuer Finger Flamme Fluch Flügel Flur Fluss Flut Freude Freund Friede Frist Frucht Fuß Garten Gast Gebet
Gefahr Geist Geld Gesang Gesicht Gift Glanz Glas Glaube Glocke Glück Glut Gnade Gold Gott Grab Gras Grund Gruß Gunst
Haar Hain Hals Hand Haus Heer Heil Held Herbst Herd Herr Herz Himmel Hirt Hof Hölle Horn Hügel Hund Hunger Hut Jahr
Jammer Jugend Kampf Kelch Kerker Kern Kette Kind Klage Klang Kleid Klinge Knabe Knecht Kraft Kranz Kraut Kreis Kreuz
Krieg Krone Kuss Land Lärm Last Laub Lauf Leben Leid Licht Liebe Lied Lob Lohn Luft Lust Macht Magd Mai Mann Mantel
Mauer Meer Meister Mond Moos Mord Morgen Mühe Mund Mut Nacht Nebel Nest Netz Not Ofen Ohr Pfad Pfand Pferd Pforte Qual
Quell Rache Rand Rat Raub Rauch Raum Recht Rede Regen Reich Reif Ring Ritter Rose Ruf Ruhe Ruhm Saal Saat Sand Sarg
Schall Schar Schatten Schatz Schein Schiff Schild Schlaf Schlange Schleier Schloss Schmerz Schnee Schoß Schritt Schuld
Schutz Schwert See Seele Segen Sieg Sinn Sohn Sonne Sorge Speer Speise Spiel Spott Spur Stadt Stamm Staub Stein Stern
Stille Stimme Stolz Strahl Strom Stunde Sturm Tag Tal Tanz Tat Tau Teufel Thron Tier Tisch Tod Tor Trank Traum Treue
Trost Turm Ufer Unheil Vater Volk Vogel Wache Wald Wand Wange Wasser Weg Wein Weise Welle Welt Werk Wesen Wind Winter
Witz Woge Wolke Wonne Wort Wunde Wunder Wunsch Wurm Zahl Zahn Zauber Zeichen Zeit Zelt Zorn Zweig Zweifel`)
