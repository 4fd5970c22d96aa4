"""The roster (名册): schools, departments, classes, teachers and who teaches whom.

Codes of the bureau's own workbook are the keys. Pupils exist only as a head-count of their class.
A row that is gone from the latest file is marked `left`, never deleted.
"""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from survey.extensions import Base


class School(Base):
    """A school (学校); `district` is its 学区, `stage` its 学段."""

    __tablename__ = "school"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    district: Mapped[str] = mapped_column(String(100), default="")
    stage: Mapped[str] = mapped_column(String(40), default="")
    ownership: Mapped[str] = mapped_column(String(40), default="")
    principal: Mapped[str] = mapped_column(String(100), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    left: Mapped[bool] = mapped_column(default=False)


class Department(Base):
    """A department (科室) of the bureau."""

    __tablename__ = "department"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    head: Mapped[str] = mapped_column(String(100), default="")
    left: Mapped[bool] = mapped_column(default=False)


class SchoolClass(Base):
    """A class (班级) with its head-count (在籍人数); nothing of its pupils is stored."""

    __tablename__ = "school_class"
    __table_args__ = (UniqueConstraint("school_code", "grade", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    school_code: Mapped[str] = mapped_column(ForeignKey("school.code"))
    grade: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    class_teacher: Mapped[str] = mapped_column(String(40), default="")
    left: Mapped[bool] = mapped_column(default=False)


class Teacher(Base):
    """A teacher (教师) by 工号; the principal is the row whose `position` is 校长."""

    __tablename__ = "teacher"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    gender: Mapped[str] = mapped_column(String(10), default="")
    school_code: Mapped[str] = mapped_column(ForeignKey("school.code"), index=True)
    position: Mapped[str] = mapped_column(String(40), default="")
    subject: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    left: Mapped[bool] = mapped_column(default=False)


class Teaching(Base):
    """A teaching relation (任课关系): this teacher teaches this subject to this class."""

    __tablename__ = "teaching"
    __table_args__ = (UniqueConstraint("class_id", "teacher_code", "subject"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id"))
    teacher_code: Mapped[str] = mapped_column(ForeignKey("teacher.code"), index=True)
    subject: Mapped[str] = mapped_column(String(100), default="")
    left: Mapped[bool] = mapped_column(default=False)


class RosterVersion(Base):
    """One accepted import that changed something; its number is the roster's snapshot mark."""

    __tablename__ = "roster_version"
    id: Mapped[int] = mapped_column(primary_key=True)
    imported_on: Mapped[str] = mapped_column(String(40))
    imported_by: Mapped[str] = mapped_column(String(100))
    file_name: Mapped[str] = mapped_column(String(300), default="")
    added: Mapped[int]
    changed: Mapped[int]
    removed: Mapped[int]
