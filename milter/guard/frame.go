package guard

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
)

// maxFrame is the largest length field: a command and the largest body chunk
// that can be negotiated (SMFIP_MDS_1M).
const maxFrame = 1 << 20

// The commands (SMFIC_* in libmilter/mfdef.h).
const (
	cmdNegotiate    = 'O'
	cmdMacro        = 'D'
	cmdConnect      = 'C'
	cmdHelo         = 'H'
	cmdMail         = 'M'
	cmdRcpt         = 'R'
	cmdData         = 'T'
	cmdHeader       = 'L'
	cmdEndOfHeader  = 'N'
	cmdBody         = 'B'
	cmdEndOfMessage = 'E'
	cmdAbort        = 'A'
	cmdUnknown      = 'U'
	cmdQuitNew      = 'K'
	cmdQuit         = 'Q'
)

var (
	errNotTerminated = errors.New("string without terminating NUL")
	errTooShort      = errors.New("payload is too short")
	errPayload       = errors.New("payload where none belongs")
	errNegotiation   = errors.New("negotiation comes first, and once")
)

// checkFrame says what is wrong with a frame (command and payload, at least one
// byte) that the library would stumble over, lose, or close the connection for.
func checkFrame(f []byte) error {
	if err := checkPayload(f[0], f[1:]); err != nil {
		return fmt.Errorf("command %q: %w", f[0], err)
	}
	return nil
}

func checkPayload(command byte, data []byte) error {
	switch command {
	case cmdNegotiate:
		if len(data) < 12 { // version, actions, protocol
			return errTooShort
		}
	case cmdMacro:
		if len(data) == 0 { // the command that the macros are for
			return errTooShort
		}
		if len(data) > 1 {
			return checkTerminated(data[1:])
		}
	case cmdConnect:
		return checkConnect(data)
	case cmdHelo, cmdMail, cmdRcpt, cmdUnknown:
		return checkTerminated(data)
	case cmdHeader:
		if n := bytes.Count(data, []byte{0}); n != 2 {
			return fmt.Errorf("%d NULs, want name and value with one each", n)
		}
		return checkTerminated(data)
	case cmdEndOfMessage:
		// libmilter would take it for a last body chunk, go-milter drops it.
		if len(data) > 0 {
			return errPayload
		}
	case cmdBody, cmdData, cmdEndOfHeader, cmdAbort, cmdQuit, cmdQuitNew:
	default:
		return errors.New("not known")
	}
	return nil
}

func checkTerminated(data []byte) error {
	if len(data) == 0 || data[len(data)-1] != 0 {
		return errNotTerminated
	}
	return nil
}

// checkConnect wants a host name, the address family, and for the families that
// have them port and address.
func checkConnect(data []byte) error {
	i := bytes.IndexByte(data, 0)
	if i < 0 {
		return errNotTerminated
	}
	data = data[i+1:]
	if len(data) == 0 {
		return errTooShort
	}
	switch family := data[0]; family {
	case 'U':
		return nil
	case 'L', '4', '6':
		if len(data) < 4 { // family, port, empty address
			return errTooShort
		}
		if err := checkTerminated(data[3:]); err != nil {
			return err
		}
		return checkAddress(family, string(data[3:len(data)-1]))
	default:
		return fmt.Errorf("address family %q is not known", family)
	}
}

// checkAddress wants an IP address where one belongs; Sendmail writes IPv6 ones
// with a prefix.
func checkAddress(family byte, s string) error {
	ip := net.ParseIP(strings.Trim(strings.TrimPrefix(s, "IPv6:"), "[]"))
	if (family == '4' && ip.To4() == nil) || (family == '6' && ip == nil) {
		return fmt.Errorf("%.100q is no address", s)
	}
	return nil
}
