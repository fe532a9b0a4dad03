"""Selections as physicists type them, some of them also in Python's words.

What passes them is in root_selections.json, found by ROOT itself (root_referee.py).
"""

from dataclasses import dataclass

__all__ = ["CASES", "REASONS", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """One selection of one tree of the real files.

    Parameters
    ----------
    file, tree
        A file of shared/data, and its tree.
    cut
        What ROOT is given.
    python
        The same in Python's words, passing the same entries, where that was written out.
    note
        What to look at; most are surprises of ROOT's.
    differs
        Why memmpy refuses the cut or selects other entries, as a key of `REASONS`; empty where it
        selects the same.
    """

    file: str
    tree: str
    cut: str
    python: str | None = None
    note: str = ""
    differs: str = ""


#: Why memmpy does not do as ROOT does: by the key that cases have, in full. The docs show them.
REASONS = {
    "alternative": (
        "To ROOT, what Alt$ takes is a formula of its own: in Sum$(Jet_E > Alt$(Muon_E[0], 0)) it "
        "has one element, and from the second jet on its place is taken by the 0. Here the one "
        "element is compared with every jet; a computed index within Alt$ is refused."
    ),
    "beyond": (
        "Where a computed index leads out of a list, ROOT gives up on the whole formula: it is "
        "NaN, and the entry passes, whatever else stands in the cut. Here the element is NaN, and "
        "a comparison with it fails."
    ),
    "chain": (
        "ROOT reads 60 < M < 120 from right to left, as 60 < (M < 120), which is never true. Here "
        "it is Python's 60 < M and M < 120; where the cut is in C++'s spelling, it is refused."
    ),
    "domain": (
        "Of numbers out of their domain, sqrt(-x) is sqrt(x) in ROOT 6.40, and log, log10 and acos "
        "are 0. Here, as in C++ and as in TMath::Sqrt and others, they are NaN or -inf; so is sqrt "
        "in ROOT from 6.42 on."
    ),
    "entry": (
        "Entry$ is refused: an entry's number is not a property of the event, and changes with "
        "the files that are read."
    ),
    "lists": (
        "Where a formula has two lists and one of them has a single element, ROOT may pair that "
        "one with all of the other's, depending on which comes first. Here lists are always "
        "matched one to one, as many as the shorter has, and a warning says so."
    ),
    "nan": (
        "A selection that is NaN is true to ROOT 6.40. Here it is false, as in ROOT from 6.42 on. "
        "As an operand of !, &&, || and ?: a NaN is true to both, as in C++."
    ),
    "readings": (
        "ROOT, C++ and Python do not agree on which operator binds tighter (n & 1 == 1, n << 1 + 2,"
        " 2^n^2, n % 4 * 2). Here it is refused without parentheses."
    ),
}


HZZ = "uproot-HZZ.root", "events"
OBJECTS = "uproot-HZZ-objects.root", "events"
NANO = "nanoAOD_2015_CMS_Open_Data_ttbar.root", "Events"
DIMUON = "open-data-example.root", "Events"
FLAT = "uproot-small-flat-tree.root", "tree"
WW = "ww.root", "events"
TOP = "single_top.root", "events"
ZMUMU = "uproot-Zmumu.root", "events"

CASES = (
    # HZZ: numbers, conditions, bits
    Case(*HZZ, "1", python="1", note="every entry"),
    Case(*HZZ, "0", python="0", note="no entry"),
    Case(*HZZ, "NJet"),
    Case(*HZZ, "NJet >= 2", python="NJet >= 2"),
    Case(*HZZ, "NJet==0", python="NJet == 0"),
    Case(*HZZ, "NJet>=2 && NMuon>=1", python="NJet >= 2 and NMuon >= 1"),
    Case(*HZZ, "NMuon==2||NElectron==2", python="NMuon == 2 or NElectron == 2"),
    Case(*HZZ, "triggerIsoMu24&&!(NJet>=3)", python="triggerIsoMu24 and not NJet >= 3"),
    Case(
        *HZZ,
        "triggerIsoMu24 & NMuon == 2",
        python="triggerIsoMu24 and NMuon == 2",
        note="single &: comparisons bind tighter",
    ),
    Case(*HZZ, "NJet>=2 & NMuon>=2 & MET_px>0", python="NJet >= 2 and NMuon >= 2 and MET_px > 0"),
    Case(*HZZ, "NJet==1 | NElectron==1", python="NJet == 1 or NElectron == 1"),
    Case(
        *HZZ,
        "(NJet>=2) & (NMuon>=1) | (NElectron>=2)",
        python="(NJet >= 2 and NMuon >= 1) or NElectron >= 2",
    ),
    Case(*HZZ, "NJet>1&&NMuon>1||NElectron>1", python="NJet > 1 and NMuon > 1 or NElectron > 1"),
    Case(
        *HZZ, "NJet>1&&(NMuon>1||NElectron>1)", python="NJet > 1 and (NMuon > 1 or NElectron > 1)"
    ),
    Case(*HZZ, "!NJet&&NMuon", python="not NJet and NMuon"),
    Case(*HZZ, "!NJet || !NMuon", python="not NJet or not NMuon"),
    Case(*HZZ, "!!NElectron", note="two nots"),
    Case(*HZZ, "NJet&1", python="NJet & 1"),
    Case(*HZZ, "NJet&1==1", note="NJet & (1 == 1)", differs="readings"),
    Case(*HZZ, "(NJet&1)==1", python="(NJet & 1) == 1"),
    Case(*HZZ, "NPrimaryVertices&2>1", note="NPrimaryVertices & (2 > 1)", differs="readings"),
    Case(*HZZ, "NPrimaryVertices|1==1", note="every entry: n | (1 == 1)", differs="readings"),
    Case(*HZZ, "NPrimaryVertices>>3", python="(NPrimaryVertices >> 3) != 0"),
    Case(*HZZ, "NPrimaryVertices>>2==2", python="(NPrimaryVertices >> 2) == 2", differs="readings"),
    Case(*HZZ, "1<<NJet>4", python="(1 << NJet) > 4", differs="readings"),
    Case(*HZZ, "NJet+1<<2==5", note="<< binds tighter than +, looser than *", differs="readings"),
    Case(*HZZ, "NJet+(1<<2)==5", python="NJet + (1 << 2) == 5"),
    Case(*HZZ, "NPrimaryVertices<<1<8", note="read as n << (1 < 8)", differs="readings"),
    Case(*HZZ, "NPrimaryVertices%2==0", python="NPrimaryVertices % 2 == 0"),
    Case(*HZZ, "NPrimaryVertices%5"),
    Case(
        *HZZ,
        "NPrimaryVertices%4*2==3",
        note="% binds looser than *: n % 8 == 3",
        differs="readings",
    ),
    Case(*HZZ, "NPrimaryVertices*3%4==1", python="NPrimaryVertices * 3 % 4 == 1"),
    Case(*HZZ, "NPrimaryVertices+5%3==10", python="NPrimaryVertices + 5 % 3 == 10"),
    Case(
        *HZZ, "NPrimaryVertices/2==4", python="NPrimaryVertices / 2 == 4", note="/ of ints is real"
    ),
    Case(*HZZ, "NPrimaryVertices/3>2.5", python="NPrimaryVertices / 3 > 2.5"),
    Case(*HZZ, "int(NPrimaryVertices/3)==2", python="int(NPrimaryVertices / 3) == 2"),
    Case(*HZZ, "NMuon/NJet>1", note="x / 0 is 0 in ROOT"),
    Case(*HZZ, "NMuon/NJet<1", note="x / 0 is 0 in ROOT"),
    Case(*HZZ, "MET_px%2", note="% of reals cuts both to ints, sign of the dividend"),
    Case(*HZZ, "MET_px%10==-3", note="negative dividend"),
    Case(*HZZ, "int(MET_px/10)==0", python="int(MET_px / 10) == 0", note="cut towards zero"),
    Case(*HZZ, "-MET_px>20", python="-MET_px > 20"),
    Case(*HZZ, "-NJet^2<-3", python="-NJet**2 < -3", note="minus after power"),
    Case(*HZZ, "NJet^2>3", python="NJet**2 > 3"),
    Case(*HZZ, "NJet**2>3", python="NJet**2 > 3"),
    Case(*HZZ, "2^NJet^2>15", note="^ from left to right: (2^n)^2", differs="readings"),
    Case(*HZZ, "MET_px^2+MET_py^2>2500", python="MET_px**2 + MET_py**2 > 2500"),
    Case(
        *HZZ,
        "sqrt(MET_px*MET_px+MET_py*MET_py)>40",
        python="sqrt(MET_px * MET_px + MET_py * MET_py) > 40",
    ),
    Case(
        *HZZ,
        "sqrt(MET_px**2+MET_py**2)>20 && NJet>=1",
        python="sqrt(MET_px**2 + MET_py**2) > 20 and NJet >= 1",
    ),
    Case(*HZZ, "0<NJet<2", note="read as 0 < (NJet < 2), from right to left", differs="chain"),
    Case(*HZZ, "NJet>0<1", note="NJet > (0 < 1)", differs="chain"),
    Case(*HZZ, "EventWeight*1000>5", python="EventWeight * 1000 > 5"),
    Case(
        *HZZ,
        "(NJet>1)+(NMuon>1)+(NElectron>1)>=2",
        python="(NJet > 1) + (NMuon > 1) + (NElectron > 1) >= 2",
    ),
    Case(*HZZ, "(NJet>1)*(NMuon>1)", python="(NJet > 1) * (NMuon > 1)"),
    Case(*HZZ, "(NJet>1)==(NMuon>1)", python="(NJet > 1) == (NMuon > 1)"),
    Case(*HZZ, "(NJet>1)!=(NMuon>1)"),
    Case(*HZZ, "Entry$%10==0", differs="entry"),
    Case(*HZZ, "Entry$<100||NJet>3", differs="entry"),
    Case(*HZZ, "Entry$>1000 && Entry$<=2000", differs="entry"),
    Case(
        *HZZ,
        "NJet > 1 ? NMuon > 1 : NElectron > 0",
        python="where(NJet > 1, NMuon > 1, NElectron > 0)",
    ),
    Case(*HZZ, "NJet>0?1:0", python="where(NJet > 0, 1, 0)"),
    Case(
        *HZZ,
        "NJet>1?(NMuon>1?1:0):(NElectron>1?1:0)",
        python="where(NJet > 1, where(NMuon > 1, 1, 0), where(NElectron > 1, 1, 0))",
    ),
    Case(
        *HZZ,
        "NJet>2?1:NJet>1?NMuon>1:0",
        python="where(NJet > 2, 1, where(NJet > 1, NMuon > 1, 0))",
    ),
    Case(
        *HZZ,
        "(triggerIsoMu24?MET_px:MET_py)>10",
        python="where(triggerIsoMu24, MET_px, MET_py) > 10",
    ),
    # HZZ: functions
    Case(*HZZ, "abs(MET_px)>30", python="abs(MET_px) > 30"),
    Case(*HZZ, "fabs(MET_px)>fabs(MET_py)", python="fabs(MET_px) > fabs(MET_py)"),
    Case(*HZZ, "TMath::Abs(MET_px)<10", python="abs(MET_px) < 10"),
    Case(
        *HZZ,
        "TMath::Sqrt(MET_px*MET_px+MET_py*MET_py)>=50",
        python="sqrt(MET_px * MET_px + MET_py * MET_py) >= 50",
    ),
    Case(*HZZ, "TMath::Hypot(MET_px,MET_py)>60", python="hypot(MET_px, MET_py) > 60"),
    Case(*HZZ, "hypot(MET_px,MET_py)>30", python="hypot(MET_px, MET_py) > 30"),
    Case(*HZZ, "TMath::ATan2(MET_py,MET_px)>1", python="atan2(MET_py, MET_px) > 1"),
    Case(*HZZ, "atan2(MET_py,MET_px)<-2", python="atan2(MET_py, MET_px) < -2"),
    Case(*HZZ, "abs(atan2(MET_py,MET_px))>pi/2", python="abs(atan2(MET_py, MET_px)) > pi / 2"),
    Case(*HZZ, "fabs(atan2(MET_py,MET_px))<TMath::Pi()/4"),
    Case(*HZZ, "TMath::Power(MET_px,2)+TMath::Power(MET_py,2)>1600"),
    Case(*HZZ, "pow(MET_px,2)+pow(MET_py,2)<400", python="pow(MET_px, 2) + pow(MET_py, 2) < 400"),
    Case(*HZZ, "sq(MET_px)+sq(MET_py)>3600"),
    Case(*HZZ, "TMath::Sq(MET_px)>900"),
    Case(*HZZ, "TMath::Max(MET_px,MET_py)>30"),
    Case(*HZZ, "TMath::Min(MET_px,MET_py)<-30"),
    Case(*HZZ, "max(MET_px,MET_py)>10", python="max(MET_px, MET_py) > 10"),
    Case(*HZZ, "min(NJet,NMuon)>=1", python="min(NJet, NMuon) >= 1"),
    Case(*HZZ, "TMath::Max(NJet,NMuon)==2"),
    Case(*HZZ, "TMath::Even(NPrimaryVertices)"),
    Case(*HZZ, "TMath::Odd(NPrimaryVertices)&&NJet>0"),
    Case(*HZZ, "TMath::Floor(MET_px/10)==-1"),
    Case(*HZZ, "TMath::Ceil(MET_px/10)==2"),
    Case(*HZZ, "floor(MET_py/10)==-2", python="floor(MET_py / 10) == -2"),
    Case(*HZZ, "ceil(MET_py/10)>=3", python="ceil(MET_py / 10) >= 3"),
    Case(*HZZ, "TMath::Nint(MET_px)==0||TMath::Nint(MET_py)==0"),
    Case(*HZZ, "round(MET_px/20)==1"),
    Case(*HZZ, "trunc(MET_px/20)==-1", python="trunc(MET_px / 20) == -1"),
    Case(*HZZ, "TMath::Sign(1.,MET_px)*MET_py>10"),
    Case(*HZZ, "sign(MET_px)==sign(MET_py)"),
    Case(*HZZ, "TMath::Exp(-NPrimaryVertices/5.)<0.2"),
    Case(*HZZ, "exp(-0.1*NPrimaryVertices)>0.5", python="exp(-0.1 * NPrimaryVertices) > 0.5"),
    Case(*HZZ, "log(NPrimaryVertices)>2", python="log(NPrimaryVertices) > 2"),
    Case(*HZZ, "log10(NPrimaryVertices)<0.5", python="log10(NPrimaryVertices) < 0.5"),
    Case(*HZZ, "TMath::Log(NPrimaryVertices)<1.5"),
    Case(*HZZ, "TMath::Log10(NPrimaryVertices)>=1"),
    Case(*HZZ, "log(NJet)>0", note="log(x <= 0) is 0 in ROOT"),
    Case(*HZZ, "log(NJet)<1", note="log(x <= 0) is 0 in ROOT"),
    Case(*HZZ, "log10(NJet)>-1", note="log10(x <= 0) is 0 in ROOT", differs="domain"),
    Case(*HZZ, "TMath::Log(NJet)>=0", note="TMath::Log(0) is -inf"),
    Case(*HZZ, "sqrt(MET_px)>5", note="sqrt(x < 0) is sqrt(-x) in ROOT", differs="domain"),
    Case(*HZZ, "sqrt(MET_px)<4", note="sqrt(x < 0) is sqrt(-x) in ROOT", differs="domain"),
    Case(*HZZ, "TMath::Sqrt(MET_px)>4", note="nan for x < 0"),
    Case(*HZZ, "TMath::Sqrt(MET_px)", note="nan for x < 0", differs="nan"),
    Case(*HZZ, "TMath::Sqrt(MET_px)*NJet+1", note="nan for x < 0", differs="nan"),
    Case(*HZZ, "TMath::Sqrt(Jet_Px)", note="nan elements", differs="nan"),
    Case(*HZZ, "Sum$(TMath::Sqrt(Jet_Px))", note="nan makes a sum nan", differs="nan"),
    Case(*HZZ, "NJet>1?TMath::Sqrt(MET_px):0", note="nan for x < 0", differs="nan"),
    Case(*HZZ, "TMath::Sqrt(MET_px)&&NJet", note="nan is a true operand"),
    Case(*HZZ, "NJet>3||TMath::Sqrt(MET_px)", note="nan is a true operand"),
    Case(*HZZ, "!TMath::Sqrt(MET_px)", note="nan is a true operand: no entry"),
    Case(*HZZ, "!!TMath::Sqrt(MET_px)", note="nan is a true operand"),
    Case(*HZZ, "TMath::Sqrt(MET_px)?NJet:NMuon", note="nan is a true operand"),
    Case(*HZZ, "TMath::Sqrt(Jet_Px)&&Jet_E>60", note="nan is a true operand"),
    Case(*HZZ, "Sum$(TMath::Sqrt(Jet_Px)&&1)>1", note="nan is a true operand"),
    Case(*HZZ, "Sum$(!TMath::Sqrt(Jet_Px))", note="nan is a true operand"),
    Case(*HZZ, "MaxIf$(Jet_E,TMath::Sqrt(Jet_Px))>60", note="nan is a true operand"),
    Case(*HZZ, "TMath::Sqrt(MET_px)!=0", note="nan is not 0"),
    Case(*HZZ, "!(TMath::Sqrt(MET_px)>4)"),
    Case(*HZZ, "asin(MET_px/50)>0.5", note="asin(|x| > 1) is 0 in ROOT"),
    Case(*HZZ, "acos(MET_px/50)<1", note="acos(|x| > 1) is 0 in ROOT", differs="domain"),
    Case(*HZZ, "TMath::ACos(MET_px/50)<1", note="nan for |x| > 1"),
    Case(*HZZ, "acos(MET_px/sqrt(MET_px^2+MET_py^2))>2"),
    Case(*HZZ, "MET_px^0.5>3", note="nan for x < 0"),
    Case(*HZZ, "cos(MET_px)>0.5", python="cos(MET_px) > 0.5"),
    Case(*HZZ, "sin(MET_px)*cos(MET_py)>0", python="sin(MET_px) * cos(MET_py) > 0"),
    Case(*HZZ, "TMath::Sin(NPrimaryVertices)>0"),
    Case(*HZZ, "TMath::Cos(MET_px/10)<0"),
    Case(*HZZ, "tan(MET_px/100)>0.3", python="tan(MET_px / 100) > 0.3"),
    Case(*HZZ, "TMath::Tan(MET_py/100)<-0.2"),
    Case(*HZZ, "atan(MET_px/30)>0.7", python="atan(MET_px / 30) > 0.7"),
    Case(*HZZ, "sinh(MET_px/50)>1", python="sinh(MET_px / 50) > 1"),
    Case(*HZZ, "cosh(MET_px/50)<1.2", python="cosh(MET_px / 50) < 1.2"),
    Case(*HZZ, "tanh(MET_px/50)>0.5", python="tanh(MET_px / 50) > 0.5"),
    Case(*HZZ, "asinh(MET_px)>3", python="asinh(MET_px) > 3"),
    Case(*HZZ, "acosh(NJet)>1", note="acosh(x < 1) is 0 in ROOT"),
    Case(*HZZ, "atanh(MET_px/50)>0.5", note="atanh(|x| > 1) is 0 in ROOT"),
    Case(*HZZ, "TMath::TanH(MET_px/50)<-0.5"),
    Case(*HZZ, "fmod(MET_px,10)>5", python="fmod(MET_px, 10) > 5"),
    Case(*HZZ, "fmod(MET_px,10)<-5"),
    Case(*HZZ, "TVector2::Phi_mpi_pi(atan2(MET_py,MET_px)-3)>0.5"),
    Case(*HZZ, "MET_px*TMath::Cos(0.5)+MET_py*TMath::Sin(0.5)>20"),
    Case(*HZZ, "MET_px*TMath::DegToRad()>0.3"),
    # HZZ: arrays, indices, two collections
    Case(*HZZ, "Jet_Px", note="any value that is not 0"),
    Case(*HZZ, "!Jet_ID", python="any(not Jet_ID)"),
    Case(*HZZ, "!(Jet_btag>2)", python="any(not (Jet_btag > 2))"),
    Case(*HZZ, "Jet_btag>2||NJet==0", note="no jets, no instance: fails"),
    Case(*HZZ, "NJet==0||Jet_btag>2", note="no jets, no instance: fails"),
    Case(*HZZ, "NJet==0||Sum$(Jet_btag>2)", python="NJet == 0 or sum(Jet_btag > 2) > 0"),
    Case(*HZZ, "Jet_btag>1e9||1", note="entries with a jet"),
    Case(*HZZ, "Jet_btag>1 && NMuon==2", python="any(Jet_btag > 1) and NMuon == 2"),
    Case(*HZZ, "Jet_E>100||Jet_btag>2", python="any(Jet_E > 100 or Jet_btag > 2)"),
    Case(*HZZ, "sqrt(Jet_Px*Jet_Px+Jet_Py*Jet_Py)>60"),
    Case(
        *HZZ,
        "sqrt(Jet_Px**2+Jet_Py**2)>30 && abs(Jet_Pz)<50",
        python="any(sqrt(Jet_Px**2 + Jet_Py**2) > 30 and abs(Jet_Pz) < 50)",
    ),
    Case(*HZZ, "Jet_E>EventWeight*10000", python="any(Jet_E > EventWeight * 10000)"),
    Case(
        *HZZ, "Jet_Px*MET_px+Jet_Py*MET_py<0", python="any(Jet_Px * MET_px + Jet_Py * MET_py < 0)"
    ),
    Case(*HZZ, "30<Jet_E<60", note="read as 30 < (x < 60): never", differs="chain"),
    Case(*HZZ, "Jet_btag[0]>2", python="Jet_btag[0] > 2"),
    Case(*HZZ, "!(Jet_btag[1]>1)", note="fewer than two jets: fails"),
    Case(*HZZ, "Jet_btag[1]>1||NMuon==2", note="fewer than two jets: fails"),
    Case(*HZZ, "NMuon==2||Jet_btag[1]>1", note="fewer than two jets: fails"),
    Case(*HZZ, "NJet>=2?Jet_btag[1]>1:NMuon==2", note="fewer than two jets: fails"),
    Case(*HZZ, "Alt$(Jet_btag[1],5)>1"),
    Case(*HZZ, "Alt$(Jet_E[0],0)+Alt$(Jet_E[1],0)>100"),
    Case(*HZZ, "Alt$(Jet_E[0],-1)<50"),
    Case(*HZZ, "Alt$(Jet_E,0)>60", note="one instance: the first jet"),
    Case(*HZZ, "Jet_E[0]>2*Jet_E[1]", python="Jet_E[0] > 2 * Jet_E[1]"),
    Case(*HZZ, "NJet>0 && Jet_E[NJet-1]<50", note="the last jet"),
    Case(*HZZ, "Jet_E[NJet-1]>60", note="no jets: nan, passes", differs="beyond"),
    Case(*HZZ, "!(Jet_E[NJet-1]>60)", note="no jets: nan, passes"),
    Case(*HZZ, "NMuon&&Muon_Px[NMuon-1]>0"),
    Case(*HZZ, "Jet_E[Length$(Jet_E)-1]>60", note="no jets: nan, passes", differs="beyond"),
    Case(*HZZ, "Muon_Charge[0]*Muon_Charge[1]<0", python="Muon_Charge[0] * Muon_Charge[1] < 0"),
    Case(
        *HZZ,
        "Muon_Charge[0]!=Muon_Charge[1]&&NMuon==2",
        python="Muon_Charge[0] != Muon_Charge[1] and NMuon == 2",
    ),
    Case(*HZZ, "Muon_Charge[0]+Muon_Charge[1]==0"),
    Case(
        *HZZ,
        (
            "(Muon_E[0]+Muon_E[1])^2-(Muon_Px[0]+Muon_Px[1])^2-(Muon_Py[0]+Muon_Py[1])^2-(Muo"
            "n_Pz[0]+Muon_Pz[1])^2>8100"
        ),
    ),
    Case(
        *HZZ,
        (
            "sqrt((Muon_E[0]+Muon_E[1])**2-(Muon_Px[0]+Muon_Px[1])**2-(Muon_Py[0]+Muon_Py[1])"
            "**2-(Muon_Pz[0]+Muon_Pz[1])**2)<95"
        ),
    ),
    Case(
        *HZZ,
        "Jet_Px[0]*Muon_Px[0]+Jet_Py[0]*Muon_Py[0]<0",
        python="Jet_Px[0] * Muon_Px[0] + Jet_Py[0] * Muon_Py[0] < 0",
    ),
    Case(*HZZ, "Jet_E[0]>Muon_E[0]", python="Jet_E[0] > Muon_E[0]"),
    Case(*HZZ, "Jet_E[0]>60||Muon_E[0]>60", note="both must be there"),
    Case(*HZZ, "Jet_E>2*Muon_E[0]", python="any(Jet_E > 2 * Muon_E[0])"),
    Case(
        *HZZ,
        "Jet_E>Muon_E",
        note="two collections, pair by pair; the first of length 1 takes the second's length",
        differs="lists",
    ),
    Case(*HZZ, "Muon_E<Jet_E", note="two collections, the other first", differs="lists"),
    Case(*HZZ, "abs(Jet_Px-Muon_Px)<20", differs="lists"),
    Case(*HZZ, "NJet>1?Jet_E:Muon_E"),
    Case(*HZZ, "NJet>1?Jet_E[0]>80:NMuon>1"),
    Case(
        *HZZ, "(Jet_btag>2?Jet_E:-Jet_E)>40", python="any(where(Jet_btag > 2, Jet_E, -Jet_E) > 40)"
    ),
    Case(*HZZ, "TMath::Max(Jet_E,60)>abs(MET_px)*2"),
    Case(*HZZ, "TMath::Abs(Jet_Pz)/Jet_E<0.2"),
    Case(*HZZ, "Muon_Px%5==1", note="% of reals cuts both to ints"),
    Case(*HZZ, "Muon_Charge>0&&Muon_Iso<0.5", python="any(Muon_Charge > 0 and Muon_Iso < 0.5)"),
    Case(*HZZ, "(Muon_Charge&2)!=0", note="bits of negative ints"),
    Case(*HZZ, "Iteration$==1&&Jet_E>40", note="the second jet"),
    Case(*HZZ, "Jet_E>40&&Length$>=3", note="Length$ of this formula: jets"),
    Case(*HZZ, "Muon_Px[Iteration$+1]>Muon_Px", note="past the end: nan, passes", differs="beyond"),
    Case(*HZZ, "Length$==1&&NJet>1", note="a formula of scalars has length 1"),
    # HZZ: Sum$, Min$, Max$, Length$
    Case(*HZZ, "Sum$(Jet_E)>100", python="sum(Jet_E) > 100"),
    Case(*HZZ, "Sum$(Jet_E>40)>=2", python="sum(Jet_E > 40) >= 2"),
    Case(*HZZ, "Sum$(Jet_E>40)==0", python="count(Jet_E > 40) == 0"),
    Case(*HZZ, "!Sum$(Jet_btag>1)", python="not any(Jet_btag > 1)"),
    Case(*HZZ, "Sum$(Jet_btag>2)", python="sum(Jet_btag > 2)"),
    Case(
        *HZZ,
        "Sum$(Jet_E>30&&Jet_btag>0)>=1&&Sum$(Muon_Iso<2)>=2",
        python="sum(Jet_E > 30 and Jet_btag > 0) >= 1 and count(Muon_Iso < 2) >= 2",
    ),
    Case(*HZZ, "Sum$(!Jet_ID)==0", python="all(Jet_ID)"),
    Case(*HZZ, "Sum$(Jet_ID)==NJet", python="sum(Jet_ID) == NJet"),
    Case(
        *HZZ, "Sum$(Jet_btag<=2)==0", python="all(Jet_btag > 2)", note="also entries without jets"
    ),
    Case(*HZZ, "Sum$(Jet_E*(Jet_E>40))>100", python="sum(Jet_E * (Jet_E > 40)) > 100"),
    Case(*HZZ, "Sum$(Jet_E>40?Jet_E:0)>80", python="sum(where(Jet_E > 40, Jet_E, 0)) > 80"),
    Case(*HZZ, "Sum$(sqrt(Jet_Px^2+Jet_Py^2))>80", python="sum(sqrt(Jet_Px**2 + Jet_Py**2)) > 80"),
    Case(
        *HZZ,
        "abs(Sum$(Jet_Px)+Sum$(Muon_Px)+MET_px)<20",
        python="abs(sum(Jet_Px) + sum(Muon_Px) + MET_px) < 20",
    ),
    Case(
        *HZZ,
        "sqrt(Sum$(Jet_Px)^2+Sum$(Jet_Py)^2)>50",
        python="sqrt(sum(Jet_Px)**2 + sum(Jet_Py)**2) > 50",
    ),
    Case(*HZZ, "Sum$(Jet_E)/NJet>60", note="no jets: 0 / 0 is 0"),
    Case(*HZZ, "Sum$(Jet_E)/Length$(Jet_E)<50", note="no jets: 0 / 0 is 0"),
    Case(*HZZ, "Sum$(Muon_Charge)==0", python="sum(Muon_Charge) == 0"),
    Case(*HZZ, "Sum$(Muon_Charge>0)==1&&Sum$(Muon_Charge<0)==1"),
    Case(*HZZ, "Sum$(Jet_E)>Sum$(Muon_E)", python="sum(Jet_E) > sum(Muon_E)"),
    Case(*HZZ, "Sum$(NJet)>1", note="a scalar is a list of one"),
    Case(*HZZ, "Sum$(Jet_E>NPrimaryVertices*10)>0", python="any(Jet_E > NPrimaryVertices * 10)"),
    Case(*HZZ, "Sum$(Jet_E>Muon_E)>0", note="pairs of two collections", differs="lists"),
    Case(*HZZ, "Sum$(Jet_E>Max$(Muon_E))>=1"),
    Case(*HZZ, "Sum$(Jet_E>Min$(Muon_E))>=2"),
    Case(*HZZ, "Sum$(Jet_E>Muon_E[0])>=1", note="no muon: 0"),
    Case(*HZZ, "Sum$(Jet_E>Alt$(Muon_E[0],0))>=1", differs="alternative"),
    Case(*HZZ, "Sum$(Jet_E>Sum$(Jet_E)/NJet)==1", note="above the mean"),
    Case(*HZZ, "Jet_E/Sum$(Jet_E)>0.7"),
    Case(*HZZ, "Jet_E==Max$(Jet_E)&&Jet_btag>0", note="the hardest jet is tagged"),
    Case(*HZZ, "Min$(Jet_E)>40", note="empty: 0"),
    Case(*HZZ, "Min$(Jet_E)<40", note="empty: 0"),
    Case(*HZZ, "!(Min$(Jet_E)>30)", note="empty: 0"),
    Case(*HZZ, "Min$(Jet_btag)==0", note="empty: 0"),
    Case(*HZZ, "Max$(Jet_btag)>2", python="any(Jet_btag > 2)"),
    Case(*HZZ, "Max$(Jet_btag)>=0", note="empty: 0"),
    Case(*HZZ, "Max$(abs(Jet_Pz))>100", python="any(abs(Jet_Pz) > 100)"),
    Case(*HZZ, "Max$(abs(Jet_Px-Muon_Px[0]))<40"),
    Case(*HZZ, "MinIf$(Jet_E,Jet_btag>0)>50", note="no element passes: 0"),
    Case(*HZZ, "MinIf$(Jet_E,Jet_btag>0)<40", note="no element passes: 0"),
    Case(*HZZ, "MaxIf$(Muon_Iso,Muon_Charge>0)<1", note="no element passes: 0"),
    Case(*HZZ, "Length$(Jet_E)>=2", python="len(Jet_E) >= 2"),
    Case(*HZZ, "Length$(Jet_E)==Length$(Muon_E)", python="len(Jet_E) == len(Muon_E)"),
    Case(*HZZ, "Length$(Jet_E>40)==2", note="counts all elements, passing or not"),
    Case(*HZZ, "Length$(NJet)", note="1"),
    Case(*HZZ, "Sum$(Jet_E*0+Length$)==4", note="Length$ inside Sum$: of its argument"),
    Case(*HZZ, "Sum$(Iteration$*(Jet_E>40))>=1", note="Iteration$ inside Sum$: of its argument"),
    Case(*HZZ, "Sum$(Jet_E>Alt$(Jet_E[Iteration$+1],0))==NJet-1", differs="alternative"),
    # HZZ objects: std::vector branches
    Case(*OBJECTS, "@jetbtag.size()>=2", python="len(jetbtag) >= 2"),
    Case(*OBJECTS, "jetbtag@.size()==1", python="len(jetbtag) == 1"),
    Case(*OBJECTS, "@muoniso.size()>@jetbtag.size()", python="len(muoniso) > len(jetbtag)"),
    Case(*OBJECTS, "Sum$(jetid)==@jetid.size()&&@jetid.size()>0"),
    Case(*OBJECTS, "jetid[0]==0"),
    Case(*OBJECTS, "Sum$(!jetid)"),
    Case(*OBJECTS, "jetid&&jetbtag>2", python="any(jetid and jetbtag > 2)"),
    Case(*OBJECTS, "Sum$(jetbtag>1.5)>=1&&trigger_isomu24"),
    Case(*OBJECTS, "muonq[0]*muonq[1]==-1", python="muonq[0] * muonq[1] == -1"),
    Case(
        *OBJECTS, "Sum$(muonq)==0&&Length$(muonq)==2", python="sum(muonq) == 0 and len(muonq) == 2"
    ),
    Case(*OBJECTS, "Sum$(muoniso)/@muoniso.size()<1"),
    Case(*OBJECTS, "Max$(muoniso)<1&&@muoniso.size()==2"),
    Case(*OBJECTS, "Sum$(muoniso<1&&muonq<0)==1"),
    Case(*OBJECTS, "Alt$(electroniso[0],9)<2"),
    Case(*OBJECTS, "muoniso[@muoniso.size()-1]>4", differs="beyond"),
    Case(*OBJECTS, "num_primaryvertex>10||!trigger_isomu24"),
    Case(*OBJECTS, "eventweight*num_primaryvertex>0.05"),
    # NanoAOD: many collections, bits, flags
    Case(*NANO, "Sum$(Jet_pt>30)>=4", python="sum(Jet_pt > 30) >= 4"),
    Case(
        *NANO,
        "Sum$(Jet_pt > 30 && abs(Jet_eta) < 2.4) >= 2",
        python="sum(Jet_pt > 30 and abs(Jet_eta) < 2.4) >= 2",
    ),
    Case(*NANO, "Sum$(Jet_pt>25&&fabs(Jet_eta)<2.5&&(Jet_jetId&2))>=3"),
    Case(
        *NANO, "Sum$(Jet_jetId & 2) >= 4", python="sum(Jet_jetId & 2) >= 4", note="a sum of 0 and 2"
    ),
    Case(*NANO, "Sum$((Jet_jetId&2)!=0)>=3", python="sum((Jet_jetId & 2) != 0) >= 3"),
    Case(*NANO, "Sum$(Jet_jetId>>1&1)>=3", python="sum((Jet_jetId >> 1) & 1) >= 3"),
    Case(*NANO, "(Jet_puId&4)==4&&Jet_pt>50", python="any((Jet_puId & 4) == 4 and Jet_pt > 50)"),
    Case(*NANO, "Jet_puId|1==7", differs="readings"),
    Case(*NANO, "(Jet_puId|1)==5"),
    Case(*NANO, "Sum$(Jet_puId&1<<2)>=8", note="bit set by shift"),
    Case(*NANO, "Sum$(Jet_pt*(Jet_pt>30&&abs(Jet_eta)<2.4))+MET_pt>150"),
    Case(*NANO, "Jet_pt[0]>50&&Jet_pt[1]>30", python="Jet_pt[0] > 50 and Jet_pt[1] > 30"),
    Case(*NANO, "nJet<4||Jet_pt[3]<20"),
    Case(*NANO, "Alt$(Jet_pt[3],0)<20"),
    Case(*NANO, "Jet_pt[nJet-1]>20", note="no jets: index -1 of uint32", differs="beyond"),
    Case(*NANO, "Jet_pt[0]>30&&abs(Jet_eta[0])<2.4&&(Jet_jetId[0]&2)"),
    Case(
        *NANO,
        (
            "sqrt(pow(Jet_eta[0]-Jet_eta[1],2)+pow(TVector2::Phi_mpi_pi(Jet_phi[0]-Jet_phi[1]"
            "),2))>2.5"
        ),
    ),
    Case(
        *NANO,
        (
            "sqrt((Jet_eta[0]-Jet_eta[1])^2+(abs(Jet_phi[0]-Jet_phi[1])>pi?2*pi-abs(Jet_phi[0"
            "]-Jet_phi[1]):abs(Jet_phi[0]-Jet_phi[1]))^2)<2.5"
        ),
    ),
    Case(
        *NANO,
        (
            "sqrt(2*Jet_pt[0]*Jet_pt[1]*(cosh(Jet_eta[0]-Jet_eta[1])-cos(Jet_phi[0]-Jet_phi[1"
            "])))>100"
        ),
        python=(
            "sqrt(2 * Jet_pt[0] * Jet_pt[1] * (cosh(Jet_eta[0] - Jet_eta[1]) - cos(Jet_phi[0]"
            " - Jet_phi[1]))) > 100"
        ),
    ),
    Case(*NANO, "TMath::Sqrt(2*Jet_pt[0]*MET_pt*(1-TMath::Cos(Jet_phi[0]-MET_phi)))<60"),
    Case(*NANO, "sqrt(2*Muon_pt*MET_pt*(1-cos(Muon_phi-MET_phi)))>40"),
    Case(*NANO, "sqrt(2*Alt$(Muon_pt[0],0)*MET_pt*(1-cos(Alt$(Muon_phi[0],0)-MET_phi)))>20"),
    Case(*NANO, "TMath::ACos(cos(Jet_phi[0]-MET_phi))>2"),
    Case(*NANO, "Jet_pt*TMath::SinH(Jet_eta)>50"),
    Case(
        *NANO,
        "(nMuon>0||nElectron>0)&&nJet>=2",
        python="(nMuon > 0 or nElectron > 0) and nJet >= 2",
    ),
    Case(*NANO, "nMuon+nElectron==1", python="nMuon + nElectron == 1"),
    Case(*NANO, "nElectron-nMuon<0", note="unsigned in the file, real in ROOT: negative works"),
    Case(
        *NANO,
        (
            "Sum$(Muon_tightId&&Muon_pfRelIso04_all<0.15)+Sum$(Electron_cutBased>=3&&Electron"
            "_pt>20)>=1"
        ),
        python=(
            "sum(Muon_tightId and Muon_pfRelIso04_all < 0.15) + sum(Electron_cutBased >= 3 an"
            "d Electron_pt > 20) >= 1"
        ),
    ),
    Case(*NANO, "Electron_vidNestedWPBitmap>>9&7"),
    Case(*NANO, "(Electron_vidNestedWPBitmap>>6&7)>=4"),
    Case(*NANO, "Sum$((Electron_vidNestedWPBitmap&7)==4)>=1"),
    Case(
        *NANO,
        "Electron_pt>Jet_pt",
        note="two collections; the first of length 1 takes the second's length",
        differs="lists",
    ),
    Case(*NANO, "Sum$(Jet_pt)>GenJet_pt[0]*5"),
    Case(
        *NANO,
        "Sum$(abs(GenPart_pdgId)==5&&GenPart_pt>50)",
        python="sum(abs(GenPart_pdgId) == 5 and GenPart_pt > 50)",
    ),
    Case(
        *NANO,
        "Sum$((abs(GenPart_pdgId)==11||abs(GenPart_pdgId)==13)&&GenPart_status==1)==1",
        python=(
            "sum((abs(GenPart_pdgId) == 11 or abs(GenPart_pdgId) == 13) and GenPart_status =="
            " 1) == 1"
        ),
    ),
    Case(*NANO, "Sum$(GenPart_statusFlags>>13&1)>10"),
    Case(*NANO, "Sum$(GenPart_pdgId==22&&GenPart_pt>10)"),
    Case(*NANO, "MaxIf$(Jet_pt,Jet_hadronFlavour==5)>50"),
    Case(
        *NANO,
        "Sum$(Jet_hadronFlavour==5&&Jet_pt>20)>=2",
        python="sum(Jet_hadronFlavour == 5 and Jet_pt > 20) >= 2",
    ),
    Case(
        *NANO,
        "Jet_genJetIdx>=0&&Jet_pt>1.2*GenJet_pt[Jet_genJetIdx]",
        note="an array as index",
        differs="beyond",
    ),
    Case(*NANO, "event%2==0", python="event % 2 == 0", note="uint64"),
    Case(*NANO, "event%10<3&&run==1"),
    Case(
        *NANO,
        "event==227291401||event==227291406",
        python="event == 227291401 or event == 227291406",
    ),
    Case(*NANO, "event&1", python="event & 1"),
    Case(*NANO, "(event>>3)%2"),
    Case(*NANO, "PV_npvs-PV_npvsGood"),
    Case(
        *NANO,
        "Jet_nConstituents>20&&Jet_chHEF>0.5",
        python="any(Jet_nConstituents > 20 and Jet_chHEF > 0.5)",
    ),
    Case(*NANO, "Jet_nConstituents-30>0", note="uint8 in the file: negative works"),
    Case(*NANO, "Sum$(Tau_idMVAoldDM&4)||nTau>2"),
    Case(*NANO, "MET_pt/sqrt(Sum$(Jet_pt*(Jet_pt>30)))>4", note="x / 0 is 0"),
    Case(*NANO, "MET_significance>5?MET_pt>40:MET_pt>60"),
    Case(*NANO, "TMath::Log10(MET_sumEt)>2.8"),
    Case(*NANO, "Min$(abs(Jet_phi-MET_phi))>0.5"),
    Case(*NANO, "Sum$(Jet_pt>40)>=1 && Sum$(Jet_pt>40)<=2", python="1 <= sum(Jet_pt > 40) <= 2"),
    Case(*NANO, "Max$(Jet_pt)/Min$(Jet_pt)>3"),
    Case(*NANO, "Sum$(SV_dlenSig>5&&SV_mass>1)"),
    # Real dimuons
    Case(*DIMUON, "nMuon==2", python="nMuon == 2"),
    Case(
        *DIMUON,
        "nMuon == 2 && Muon_charge[0] != Muon_charge[1]",
        python="nMuon == 2 and Muon_charge[0] != Muon_charge[1]",
    ),
    Case(
        *DIMUON,
        (
            "nMuon==2&&Muon_charge[0]*Muon_charge[1]<0&&sqrt(2*Muon_pt[0]*Muon_pt[1]*(cosh(Mu"
            "on_eta[0]-Muon_eta[1])-cos(Muon_phi[0]-Muon_phi[1])))>70"
        ),
    ),
    Case(*DIMUON, "Muon_pt[0]>20 && Muon_pt[1]>10", python="Muon_pt[0] > 20 and Muon_pt[1] > 10"),
    Case(*DIMUON, "Max$(abs(Muon_eta))<2.4&&Min$(Muon_pt)>3"),
    Case(*DIMUON, "Sum$(Muon_charge)!=0", python="sum(Muon_charge) != 0"),
    Case(
        *DIMUON,
        ("sqrt((Muon_eta[0]-Muon_eta[1])^2+TVector2::Phi_mpi_pi(Muon_phi[0]-Muon_phi[1])^2)<0.4"),
    ),
    Case(*DIMUON, "abs(Muon_eta[2])<1"),
    Case(*DIMUON, "nMuon>=4&&abs(Sum$(Muon_charge))==0"),
    # Flat toy tree: kinds of numbers, fixed arrays, a string
    Case(*FLAT, 'Str=="evt-001"', python="Str == 'evt-001'"),
    Case(*FLAT, 'Str=="evt-010" || Int32>95', python="Str == 'evt-010' or Int32 > 95"),
    Case(*FLAT, 'Str!="evt-001"', python="Str != 'evt-001'"),
    Case(*FLAT, "ArrayInt32[4]>50", python="ArrayInt32[4] > 50"),
    Case(*FLAT, "ArrayFloat64>90", python="any(ArrayFloat64 > 90)"),
    Case(*FLAT, "ArrayInt32[N]>20"),
    Case(*FLAT, "ArrayInt32[Iteration$]%3==0"),
    Case(*FLAT, "Sum$(ArrayInt32)>500", python="sum(ArrayInt32) > 500"),
    Case(*FLAT, "Sum$(ArrayFloat64*SliceFloat64)>5000", note="fixed and jagged: the shorter"),
    Case(*FLAT, "ArrayInt32==SliceInt32"),
    Case(*FLAT, "SliceInt32[7]>=0", python="SliceInt32[7] >= 0"),
    Case(*FLAT, "SliceFloat32[0]>30", python="SliceFloat32[0] > 30"),
    Case(*FLAT, "SliceFloat32[N-1]>30", note="N = 0: nan, passes", differs="beyond"),
    Case(*FLAT, "SliceInt64&1", python="any(SliceInt64 & 1)"),
    Case(*FLAT, "SliceUInt32-50>0", note="unsigned in the file: negative works"),
    Case(*FLAT, "-UInt32<-90"),
    Case(*FLAT, "Int32%7==3", python="Int32 % 7 == 3"),
    Case(*FLAT, "(Int32-50)%7==-3", note="sign of the dividend"),
    Case(*FLAT, "(Int32-50)%7==4"),
    Case(*FLAT, "Int64/10%3==1"),
    Case(*FLAT, "Int64/10*10==Int64", note="no int division"),
    Case(*FLAT, "int(Int32/10)*10==Int32", python="int(Int32 / 10) * 10 == Int32"),
    Case(*FLAT, "int((Float32-50)/10)==0", python="int((Float32 - 50) / 10) == 0"),
    Case(*FLAT, "Int32&Int64>>1"),
    Case(*FLAT, "Int32&8|Int32&16"),
    Case(*FLAT, "(Int32&6)==6&&(Int32|9)!=Int32"),
    Case(*FLAT, "Int32-50&3"),
    Case(*FLAT, "(Int32-50>>1)>10", note="Int32 - (50 >> 1)", differs="readings"),
    Case(*FLAT, "(Int32-50)>>1>10", note="negative", differs="readings"),
    Case(*FLAT, "Int32==50^1"),
    Case(*FLAT, "Int32<2^5+1"),
    Case(*FLAT, "Int32^2<UInt64*30"),
    Case(*FLAT, "(Int32>20)<<1==2", differs="readings"),
    Case(*FLAT, "Float32/0==0", note="x / 0 is 0"),
    Case(*FLAT, "1/Int32>0.05"),
    Case(*FLAT, "sqrt(Int32-50)==5", differs="domain"),
    Case(*FLAT, "sqrt(Float64)==int(sqrt(Float64))", python="sqrt(Float64) == int(sqrt(Float64))"),
    Case(*FLAT, "log10(Int32-50)>0.5"),
    Case(*FLAT, "TMath::Log(Int32-50)>1||!Int32"),
    Case(*FLAT, "exp(Float64/10)>1000", python="exp(Float64 / 10) > 1000"),
    Case(*FLAT, "Length$(SliceInt32)==N&&N>5", python="len(SliceInt32) == N and N > 5"),
    Case(*FLAT, "Length$(ArrayInt32)-N==3"),
    Case(*FLAT, "Min$(SliceInt32)<50", note="empty: 0"),
    Case(*FLAT, "Max$(SliceInt32-50)>=0"),
    Case(*FLAT, "Max$(SliceInt32)%2==0"),
    Case(*FLAT, "Sum$(SliceInt32>45)>Sum$(ArrayInt32>70)/2"),
    Case(*FLAT, "Sum$(ArrayInt32)==10*Int32 && Entry$>50", differs="entry"),
    Case(*FLAT, "SliceInt32>45?1:Int32%2"),
    Case(*FLAT, "N>5?SliceFloat64[5]:0"),
    Case(*FLAT, "N>5?ArrayInt32[5]:Int32%2"),
    Case(*FLAT, "Alt$(SliceInt32[3],-1)<0"),
    Case(*FLAT, "0x10&Int32"),
    Case(*FLAT, "Int32>=.5e2"),
    # Z to two muons
    Case(*ZMUMU, 'Type=="GT"', python="Type == 'GT'"),
    Case(*ZMUMU, 'Type=="GG"&&M>80&&M<100', python="Type == 'GG' and 80 < M < 100"),
    Case(*ZMUMU, 'Type!="TT"||pt1>40'),
    Case(*ZMUMU, "abs(M-91.2)<5", python="abs(M - 91.2) < 5"),
    Case(*ZMUMU, "fabs(M-91.1876)<2*2.4952"),
    Case(*ZMUMU, "Q1*Q2<0", python="Q1 * Q2 < 0"),
    Case(*ZMUMU, "Q1+Q2==0 && min(pt1,pt2)>20", python="Q1 + Q2 == 0 and min(pt1, pt2) > 20"),
    Case(
        *ZMUMU,
        "pt1>20&&pt2>20&&abs(eta1)<2.1&&abs(eta2)<2.1",
        python="pt1 > 20 and pt2 > 20 and abs(eta1) < 2.1 and abs(eta2) < 2.1",
    ),
    Case(
        *ZMUMU,
        "sqrt((E1+E2)^2-(px1+px2)^2-(py1+py2)^2-(pz1+pz2)^2)>85",
        python="sqrt((E1 + E2)**2 - (px1 + px2)**2 - (py1 + py2)**2 - (pz1 + pz2)**2) > 85",
    ),
    Case(*ZMUMU, "sqrt((eta1-eta2)**2+TVector2::Phi_mpi_pi(phi1-phi2)**2)>3"),
    Case(
        *ZMUMU,
        (
            "sqrt((eta1-eta2)**2+(abs(phi1-phi2)>TMath::Pi()?2*TMath::Pi()-abs(phi1-phi2):abs"
            "(phi1-phi2))**2)<2"
        ),
    ),
    Case(*ZMUMU, "TMath::Hypot(px1+px2,py1+py2)>15", python="hypot(px1 + px2, py1 + py2) > 15"),
    Case(*ZMUMU, "0.5*log((E1+pz1)/(E1-pz1))>0.5"),
    Case(*ZMUMU, "TMath::ATanH(pz1/sqrt(px1^2+py1^2+pz1^2))>1"),
    Case(*ZMUMU, "Event%2&&Run==148031", python="Event % 2 and Run == 148031"),
    Case(*ZMUMU, "(Run==148029)+(M>60)==2"),
    Case(*ZMUMU, "pt1>pt2?pt1>45:pt2>45", python="where(pt1 > pt2, pt1 > 45, pt2 > 45)"),
    Case(*ZMUMU, "M>60&&M<120", python="60 < M < 120"),
    Case(*ZMUMU, "60<M<120", note="every entry: 60 < (M < 120) is 60 < 1: never", differs="chain"),
    Case(*ZMUMU, "(M>60&&M<120)||(pt1>30)"),
    Case(*ZMUMU, "acos((px1*px2+py1*py2+pz1*pz2)/(E1*E2))>2.5"),
    # WW and single top
    Case(*WW, "NMuon==1&&NElectron==1", python="NMuon == 1 and NElectron == 1"),
    Case(
        *WW,
        "Muon_Charge[0]*Electron_Charge[0]==-1",
        python="Muon_Charge[0] * Electron_Charge[0] == -1",
    ),
    Case(
        *WW,
        "sqrt(MET_px^2+MET_py^2)>40&&Sum$(Jet_btag>2)==0",
        python="sqrt(MET_px**2 + MET_py**2) > 40 and sum(Jet_btag > 2) == 0",
    ),
    Case(*WW, "Sum$(Muon_Iso/sqrt(Muon_Px^2+Muon_Py^2)<0.1)==1"),
    # WW and single top
    Case(*TOP, "Sum$(Jet_btag>2)==1&&NJet==2", python="sum(Jet_btag > 2) == 1 and NJet == 2"),
    Case(
        *TOP,
        "Sum$(Jet_btag>2&&sqrt(Jet_Px^2+Jet_Py^2)>40)>=1",
        python="sum(Jet_btag > 2 and sqrt(Jet_Px**2 + Jet_Py**2) > 40) >= 1",
    ),
    Case(*TOP, "triggerIsoMu24&&Sum$(sqrt(Muon_Px**2+Muon_Py**2)>25&&Muon_Iso<2)==1"),
    Case(
        *TOP,
        (
            "sqrt(2*sqrt(Muon_Px[0]^2+Muon_Py[0]^2)*sqrt(MET_px^2+MET_py^2)*(1-cos(atan2(Muon"
            "_Py[0],Muon_Px[0])-atan2(MET_py,MET_px))))>50"
        ),
    ),
    Case(*TOP, "MaxIf$(Jet_E,Jet_btag>2)>MaxIf$(Jet_E,Jet_btag<=2)"),
    Case(*TOP, "Alt$(Jet_btag[0],0)>2||Alt$(Jet_btag[1],0)>2"),
    Case(*TOP, "NJet>=2&&Sum$(Jet_ID)==NJet"),
    Case(*TOP, "Sum$(Jet_btag>1)+2*Sum$(Jet_btag>3)>=2"),
)
