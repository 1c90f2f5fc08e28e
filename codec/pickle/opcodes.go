package pickle

// The opcodes, as Python's pickletools names them.
const (
	opMark           = '('
	opStop           = '.'
	opPop            = '0'
	opPopMark        = '1'
	opDup            = '2'
	opFloat          = 'F'
	opInt            = 'I'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opLong           = 'L'
	opBinInt2        = 'M'
	opNone           = 'N'
	opPersID         = 'P'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opString         = 'S'
	opBinString      = 'T'
	opShortBinString = 'U'
	opUnicode        = 'V'
	opBinUnicode     = 'X'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opDict           = 'd'
	opEmptyDict      = '}'
	opAppends        = 'e'
	opGet            = 'g'
	opBinGet         = 'h'
	opInst           = 'i'
	opLongBinGet     = 'j'
	opList           = 'l'
	opEmptyList      = ']'
	opObj            = 'o'
	opPut            = 'p'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opEmptyTuple     = ')'
	opSetItems       = 'u'
	opBinFloat       = 'G'

	opProto    = 0x80 // protocol 2
	opNewObj   = 0x81
	opExt1     = 0x82
	opExt2     = 0x83
	opExt4     = 0x84
	opTuple1   = 0x85
	opTuple2   = 0x86
	opTuple3   = 0x87
	opNewTrue  = 0x88
	opNewFalse = 0x89
	opLong1    = 0x8a
	opLong4    = 0x8b

	opBinBytes      = 'B' // protocol 3
	opShortBinBytes = 'C'

	opShortBinUnicode = 0x8c // protocol 4
	opBinUnicode8     = 0x8d
	opBinBytes8       = 0x8e
	opEmptySet        = 0x8f
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opNewObjEx        = 0x92
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95

	opByteArray8     = 0x96 // protocol 5
	opNextBuffer     = 0x97
	opReadonlyBuffer = 0x98
)

// ops are the opcodes that are read.
var ops = [256]func(*reader) error{
	opMark:    (*reader).mark,
	opPop:     (*reader).popOne,
	opPopMark: (*reader).dropMark,
	opDup:     (*reader).dup,

	opNone:     func(r *reader) error { return r.push(value{kind: kindNone}) },
	opNewTrue:  func(r *reader) error { return r.push(value{kind: kindBool, n: 1}) },
	opNewFalse: func(r *reader) error { return r.push(value{kind: kindBool}) },
	opBinInt:   (*reader).int32,
	opBinInt1:  func(r *reader) error { return r.uint(1) },
	opBinInt2:  func(r *reader) error { return r.uint(2) },
	opLong1:    func(r *reader) error { return r.sized(1, kindLong) },
	opLong4:    func(r *reader) error { return r.sized(4, kindLong) },
	opInt:      (*reader).intLine,
	opLong:     (*reader).longLine,
	opFloat:    (*reader).floatLine,
	opBinFloat: (*reader).float64,

	opString:          (*reader).stringLine,
	opBinString:       func(r *reader) error { return r.sized(4, kindByteText) },
	opShortBinString:  func(r *reader) error { return r.sized(1, kindByteText) },
	opUnicode:         (*reader).unicodeLine,
	opBinUnicode:      func(r *reader) error { return r.sized(4, kindText) },
	opShortBinUnicode: func(r *reader) error { return r.sized(1, kindText) },
	opBinUnicode8:     func(r *reader) error { return r.sized(8, kindText) },
	opBinBytes:        func(r *reader) error { return r.sized(4, kindBytes) },
	opShortBinBytes:   func(r *reader) error { return r.sized(1, kindBytes) },
	opBinBytes8:       func(r *reader) error { return r.sized(8, kindBytes) },
	opByteArray8:      func(r *reader) error { return r.sized(8, kindBytes) },

	opEmptyList:  func(r *reader) error { return r.pushNode(kindList, nil) },
	opEmptyDict:  func(r *reader) error { return r.pushNode(kindDict, nil) },
	opEmptySet:   func(r *reader) error { return r.pushNode(kindSet, nil) },
	opEmptyTuple: func(r *reader) error { return r.pushNode(kindTuple, nil) },
	opTuple1:     func(r *reader) error { return r.shortTuple(1) },
	opTuple2:     func(r *reader) error { return r.shortTuple(2) },
	opTuple3:     func(r *reader) error { return r.shortTuple(3) },
	opTuple:      func(r *reader) error { return r.fromMark(kindTuple) },
	opList:       func(r *reader) error { return r.fromMark(kindList) },
	opDict:       func(r *reader) error { return r.fromMark(kindDict) },
	opFrozenSet:  func(r *reader) error { return r.fromMark(kindFrozenSet) },
	opAppend:     func(r *reader) error { return r.extend(kindList, 1) },
	opAppends:    func(r *reader) error { return r.extendFromMark(kindList) },
	opSetItem:    func(r *reader) error { return r.extend(kindDict, 2) },
	opSetItems:   func(r *reader) error { return r.extendFromMark(kindDict) },
	opAddItems:   func(r *reader) error { return r.extendFromMark(kindSet) },

	opGlobal:      (*reader).global,
	opStackGlobal: (*reader).stackGlobal,
	opReduce:      (*reader).reduce,
	opBuild:       (*reader).build,
	opInst:        (*reader).inst,
	opObj:         (*reader).obj,
	opNewObj:      (*reader).newObj,
	opNewObjEx:    (*reader).newObjEx,

	opPut:        (*reader).putLine,
	opBinPut:     func(r *reader) error { return r.putAt(1) },
	opLongBinPut: func(r *reader) error { return r.putAt(4) },
	opMemoize:    func(r *reader) error { return r.put(uint64(r.memoized)) },
	opGet:        (*reader).getLine,
	opBinGet:     func(r *reader) error { return r.getAt(1) },
	opLongBinGet: func(r *reader) error { return r.getAt(4) },

	opProto: (*reader).protocol,
	opFrame: (*reader).frame,

	opPersID:         refuse("a persistent id, which means something to its writer only"),
	opBinPersID:      refuse("a persistent id, which means something to its writer only"),
	opExt1:           refuse("an extension code, which means something to its writer only"),
	opExt2:           refuse("an extension code, which means something to its writer only"),
	opExt4:           refuse("an extension code, which means something to its writer only"),
	opNextBuffer:     refuse("a buffer outside the pickle, which did not come with it"),
	opReadonlyBuffer: refuse("a buffer outside the pickle, which did not come with it"),
}

func refuse(what string) func(*reader) error {
	return func(r *reader) error { return r.fail(what) }
}
