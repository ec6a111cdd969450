//go:build !noasm

#include "textflag.h"

// The kernels of kernels_amd64.go. c is held in registers, one row of c in two of
// them; each step of the loop reads one dimension of both panels: two registers of
// b, and one value of a for each row, broadcast.

// func multiplyAVX512(depth int, a, b, c *float32, ldc int, add bool)
//
// Z0 to Z27 are 14 rows of 32 values.

#define ROW512(offset, low, high) \
	VBROADCASTSS offset(SI), Z30; \
	VFMADD231PS Z28, Z30, low; \
	VFMADD231PS Z29, Z30, high

#define LOAD512(low, high) \
	VMOVUPS (BX), low; \
	VMOVUPS 64(BX), high; \
	ADDQ R8, BX

#define STORE512(low, high) \
	VMOVUPS low, (BX); \
	VMOVUPS high, 64(BX); \
	ADDQ R8, BX

#define ZERO512(low, high) \
	VPXORQ low, low, low; \
	VPXORQ high, high, high

TEXT ·multiplyAVX512(SB), NOSPLIT, $0-41
	MOVQ depth+0(FP), CX
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DI
	MOVQ c+24(FP), DX
	MOVQ ldc+32(FP), R8
	SHLQ $2, R8
	CMPB add+40(FP), $0
	JEQ  zero

	MOVQ DX, BX
	LOAD512(Z0, Z1)
	LOAD512(Z2, Z3)
	LOAD512(Z4, Z5)
	LOAD512(Z6, Z7)
	LOAD512(Z8, Z9)
	LOAD512(Z10, Z11)
	LOAD512(Z12, Z13)
	LOAD512(Z14, Z15)
	LOAD512(Z16, Z17)
	LOAD512(Z18, Z19)
	LOAD512(Z20, Z21)
	LOAD512(Z22, Z23)
	LOAD512(Z24, Z25)
	LOAD512(Z26, Z27)
	JMP  loop

zero:
	ZERO512(Z0, Z1)
	ZERO512(Z2, Z3)
	ZERO512(Z4, Z5)
	ZERO512(Z6, Z7)
	ZERO512(Z8, Z9)
	ZERO512(Z10, Z11)
	ZERO512(Z12, Z13)
	ZERO512(Z14, Z15)
	ZERO512(Z16, Z17)
	ZERO512(Z18, Z19)
	ZERO512(Z20, Z21)
	ZERO512(Z22, Z23)
	ZERO512(Z24, Z25)
	ZERO512(Z26, Z27)

loop:
	VMOVUPS (DI), Z28
	VMOVUPS 64(DI), Z29
	ROW512(0, Z0, Z1)
	ROW512(4, Z2, Z3)
	ROW512(8, Z4, Z5)
	ROW512(12, Z6, Z7)
	ROW512(16, Z8, Z9)
	ROW512(20, Z10, Z11)
	ROW512(24, Z12, Z13)
	ROW512(28, Z14, Z15)
	ROW512(32, Z16, Z17)
	ROW512(36, Z18, Z19)
	ROW512(40, Z20, Z21)
	ROW512(44, Z22, Z23)
	ROW512(48, Z24, Z25)
	ROW512(52, Z26, Z27)
	ADDQ $56, SI
	ADDQ $128, DI
	DECQ CX
	JNZ  loop

	MOVQ DX, BX
	STORE512(Z0, Z1)
	STORE512(Z2, Z3)
	STORE512(Z4, Z5)
	STORE512(Z6, Z7)
	STORE512(Z8, Z9)
	STORE512(Z10, Z11)
	STORE512(Z12, Z13)
	STORE512(Z14, Z15)
	STORE512(Z16, Z17)
	STORE512(Z18, Z19)
	STORE512(Z20, Z21)
	STORE512(Z22, Z23)
	STORE512(Z24, Z25)
	STORE512(Z26, Z27)
	VZEROUPPER
	RET

// func aboveAVX512(groups int, mask *uint16, c, column *float32, row float32)
TEXT ·aboveAVX512(SB), NOSPLIT, $0-36
	MOVQ groups+0(FP), CX
	MOVQ mask+8(FP), DI
	MOVQ c+16(FP), SI
	MOVQ column+24(FP), DX
	VBROADCASTSS row+32(FP), Z1

group512:
	VMOVUPS (SI), Z0
	VCMPPS  $13, Z1, Z0, K1   // c >= row
	VCMPPS  $13, (DX), Z0, K2 // c >= column
	KORW    K1, K2, K1
	KMOVW   K1, AX
	MOVW    AX, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DX
	ADDQ    $2, DI
	DECQ    CX
	JNZ     group512
	VZEROUPPER
	RET

// func multiplyAVX2(depth int, a, b, c *float32, ldc int, add bool)
//
// Y0 to Y11 are 6 rows of 16 values.

#define ROW256(offset, low, high) \
	VBROADCASTSS offset(SI), Y14; \
	VFMADD231PS Y12, Y14, low; \
	VFMADD231PS Y13, Y14, high

#define LOAD256(low, high) \
	VMOVUPS (BX), low; \
	VMOVUPS 32(BX), high; \
	ADDQ R8, BX

#define STORE256(low, high) \
	VMOVUPS low, (BX); \
	VMOVUPS high, 32(BX); \
	ADDQ R8, BX

#define ZERO256(low, high) \
	VXORPS low, low, low; \
	VXORPS high, high, high

TEXT ·multiplyAVX2(SB), NOSPLIT, $0-41
	MOVQ depth+0(FP), CX
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DI
	MOVQ c+24(FP), DX
	MOVQ ldc+32(FP), R8
	SHLQ $2, R8
	CMPB add+40(FP), $0
	JEQ  zero

	MOVQ DX, BX
	LOAD256(Y0, Y1)
	LOAD256(Y2, Y3)
	LOAD256(Y4, Y5)
	LOAD256(Y6, Y7)
	LOAD256(Y8, Y9)
	LOAD256(Y10, Y11)
	JMP  loop

zero:
	ZERO256(Y0, Y1)
	ZERO256(Y2, Y3)
	ZERO256(Y4, Y5)
	ZERO256(Y6, Y7)
	ZERO256(Y8, Y9)
	ZERO256(Y10, Y11)

loop:
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	ROW256(0, Y0, Y1)
	ROW256(4, Y2, Y3)
	ROW256(8, Y4, Y5)
	ROW256(12, Y6, Y7)
	ROW256(16, Y8, Y9)
	ROW256(20, Y10, Y11)
	ADDQ $24, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  loop

	MOVQ DX, BX
	STORE256(Y0, Y1)
	STORE256(Y2, Y3)
	STORE256(Y4, Y5)
	STORE256(Y6, Y7)
	STORE256(Y8, Y9)
	STORE256(Y10, Y11)
	VZEROUPPER
	RET

// func aboveAVX2(groups int, mask *uint16, c, column *float32, row float32)
TEXT ·aboveAVX2(SB), NOSPLIT, $0-36
	MOVQ groups+0(FP), CX
	MOVQ mask+8(FP), DI
	MOVQ c+16(FP), SI
	MOVQ column+24(FP), DX
	VBROADCASTSS row+32(FP), Y1

group256:
	VMOVUPS   (SI), Y0
	VCMPPS    $13, Y1, Y0, Y2   // c >= row
	VCMPPS    $13, (DX), Y0, Y3 // c >= column
	VORPS     Y2, Y3, Y2
	VMOVMSKPS Y2, AX
	VMOVUPS   32(SI), Y0
	VCMPPS    $13, Y1, Y0, Y2
	VCMPPS    $13, 32(DX), Y0, Y3
	VORPS     Y2, Y3, Y2
	VMOVMSKPS Y2, BX
	SHLL      $8, BX
	ORL       BX, AX
	MOVW      AX, (DI)
	ADDQ      $64, SI
	ADDQ      $64, DX
	ADDQ      $2, DI
	DECQ      CX
	JNZ       group256
	VZEROUPPER
	RET
